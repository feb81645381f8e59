namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Gives a service the call that it is made or run for, where it has no parameter for it: methods of interfaces with <c>[RpcService]</c> above all.
/// Registered by <c>AddRpcContextAccessor</c>; it costs each call an object, so take the context as a parameter where you can.
/// </summary>
public interface IRpcContextAccessor
{
    /// <summary>
    /// The call that this code runs for: from its middleware to its end, also behind an <see langword="await"/>. <see langword="null"/> outside of
    /// one, and for what goes on after its call.
    /// </summary>
    RpcContext? Context { get; }
}
