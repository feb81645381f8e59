using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// A service that <c>MapRpcService</c> maps without reflection. Generated code implements it: the base class made from a .proto, or the
/// interface with <c>[RpcService]</c>. Derive from that class, or implement that interface.
/// </summary>
public interface IRpcService
{
    /// <summary>The service as it is called on the wire, and its methods.</summary>
    static abstract RpcServiceDescription Description { get; }

    /// <summary>Binds each method of the description to a method of the service.</summary>
    /// <param name="binder">What they are bound with.</param>
    static abstract void Bind(RpcServiceBinder binder);
}
