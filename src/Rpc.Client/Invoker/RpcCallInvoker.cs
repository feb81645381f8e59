using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>
/// What a client calls methods with: one connection (<see cref="RpcConnection"/>), or whatever stands for one. Generated clients are written
/// against this class alone. Every member is safe to call from any thread.
/// </summary>
/// <remarks>
/// A call that fails throws an <see cref="RpcException"/> with the status, one whose token fired an
/// <see cref="OperationCanceledException"/>. What the version of the protocol cannot say fails with
/// <see cref="RpcStatusCode.Unimplemented"/> before anything is sent.
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
    /// <exception cref="RpcException">The call failed.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public abstract ValueTask<TReply> CallAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        RpcCallOptions options = default);

    /// <summary>As <see cref="CallAsync"/>, with all that the call comes to: metadata, trailers, status, attachment.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="method">The method; <see cref="RpcMethodShape.Unary"/>.</param>
    /// <param name="request">The request. Not to be changed before the call has ended: it may have to wait.</param>
    /// <param name="options">What the call has beside its messages.</param>
    /// <returns>The call, under way. It never throws: the reply tells of a failure.</returns>
    public abstract RpcUnaryCall<TReply> StartCall<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        RpcCallOptions options = default);

    /// <summary>Starts a call with a stream of requests and one reply.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="method">The method; <see cref="RpcMethodShape.ClientStreaming"/>.</param>
    /// <param name="options">What the call has beside its messages.</param>
    /// <returns>The call, under way. It never throws: the reply tells of a failure.</returns>
    public abstract RpcClientStreamingCall<TRequest, TReply> StartClientStream<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        RpcCallOptions options = default);

    /// <summary>Starts a call with one request and a stream of replies.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="method">The method; <see cref="RpcMethodShape.ServerStreaming"/>.</param>
    /// <param name="request">The request. Not to be changed before the call has ended: it may have to wait.</param>
    /// <param name="options">What the call has beside its messages.</param>
    /// <returns>The call, under way. It never throws: the stream tells of a failure.</returns>
    public abstract RpcServerStreamingCall<TReply> StartServerStream<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        RpcCallOptions options = default);

    /// <summary>Starts a call with a stream in each direction.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="method">The method; <see cref="RpcMethodShape.DuplexStreaming"/>.</param>
    /// <param name="options">What the call has beside its messages.</param>
    /// <returns>The call, under way. It never throws: the streams tell of a failure.</returns>
    public abstract RpcDuplexStreamingCall<TRequest, TReply> StartDuplexStream<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        RpcCallOptions options = default);

    /// <summary>Sends a request that nobody answers: whether a server has got it, or what came of it, is never known.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message, which is not sent.</typeparam>
    /// <param name="method">The method; <see cref="RpcMethodShape.Unary"/>.</param>
    /// <param name="request">The request. Not to be changed before this has ended: it may have to wait.</param>
    /// <param name="options">What the call has beside its message.</param>
    /// <returns>Ends when the request was handed to the transport.</returns>
    /// <exception cref="RpcException">It was not.</exception>
    /// <exception cref="OperationCanceledException">The token fired before.</exception>
    public abstract Task SendOneWayAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        RpcCallOptions options = default);
}
