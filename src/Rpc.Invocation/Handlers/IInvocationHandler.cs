namespace Kestrel.Rpc.Invocation;

/// <summary>
/// Handles calls: the root of a server, a back end of a <see cref="FanOut{TArg, TRet}"/>, or a part that calls another one. It can be called
/// directly too, without any source (<see cref="InvocationHandler.InvokeAsync"/>).
/// </summary>
/// <typeparam name="TArg">The argument.</typeparam>
/// <typeparam name="TRet">The reply.</typeparam>
public interface IInvocationHandler<TArg, TRet>
{
    /// <summary>
    /// Handles one call. Several threads may call it at once. Until the returned task ends the call is being handled; when it ends, the call
    /// has been replied to, forwarded or deferred, or the caller gets an <see cref="InvocationDroppedException"/>. What it throws the caller
    /// gets, if it has got nothing before.
    /// </summary>
    /// <param name="invocation">The argument and the reply.</param>
    /// <returns>Ends with the handler.</returns>
    ValueTask HandleAsync(Invocation<TArg, TRet> invocation);
}
