using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Handles a method with a stream of requests and one reply, knowing its messages at compile time.</summary>
/// <typeparam name="TRequest">The request message.</typeparam>
/// <typeparam name="TReply">The reply message.</typeparam>
/// <param name="requests">The requests. Need not be read to their end.</param>
/// <param name="context">The call.</param>
/// <returns>The reply.</returns>
public delegate ValueTask<TReply> RpcClientStreamHandler<TRequest, TReply>(IRpcStreamReader<TRequest> requests, RpcContext context)
    where TRequest : class
    where TReply : class;
