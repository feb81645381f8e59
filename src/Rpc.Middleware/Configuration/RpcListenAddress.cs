using System.Net;

namespace Kestrel.Rpc.Middleware;

/// <summary>An address that configuration names. Several services may have the same.</summary>
/// <param name="Ip">The address; null for all, of both kinds.</param>
/// <param name="Port">The port; 0 for any that is free.</param>
internal sealed record RpcListenAddress(IPAddress? Ip, int Port)
{
    public override string ToString() => Ip is null ? $"*:{Port}" : new IPEndPoint(Ip, Port).ToString();
}
