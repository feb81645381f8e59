namespace Kestrel.Rpc.Client;

/// <summary>
/// What a client calls methods with: one connection (<see cref="RpcConnection"/>), or whatever stands for one. Generated clients are written
/// against this class alone. Every member is safe to call from any thread.
/// </summary>
/// <remarks>
/// A call that fails throws an <see cref="Protocol.RpcException"/> with the status, one whose token fired an
/// <see cref="OperationCanceledException"/>. What the version of the protocol cannot say fails with
/// <see cref="Protocol.RpcStatusCode.Unimplemented"/> before anything is sent.
/// </remarks>
public abstract class RpcCallInvoker
{
    /// <summary>Calls a method with one request and one reply.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="method">The method; <see cref="RpcMethodShape.Unary"/>.</param>
    /// <param name="request">The request. Not to be changed before the call has ended: it may have to wait.</param>
    /// <param name="options">What the call has beside its messages.</param>
    /// <returns>The reply. Await it once, as every <see cref="ValueTask{TResult}"/>.</returns>
    /// <exception cref="Protocol.RpcException">The call failed.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public abstract ValueTask<TReply> CallAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        RpcCallOptions options = default);
}
