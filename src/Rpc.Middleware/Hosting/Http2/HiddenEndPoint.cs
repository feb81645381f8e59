using System.Net;

namespace Kestrel.Rpc.Middleware;

/// <summary>An end point of Kestrel that nobody can connect to.</summary>
internal sealed class HiddenEndPoint : EndPoint
{
    /// <summary>What it is called in addresses, from which <see cref="VisibleAddresses"/> takes it out again.</summary>
    public const string Name = "kestrel-rpc-http2-with-prior-knowledge";

    public override string ToString() => Name;
}
