using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <remarks>What only version 2 knows.</remarks>
internal abstract partial class PendingCall
{
    /// <summary>Whether no reply is wanted.</summary>
    public virtual bool IsOneWay => false;

    /// <summary>Says whether the reply is whole when the server has ended the call well.</summary>
    protected virtual RpcException? CheckEnd() => null;
}
