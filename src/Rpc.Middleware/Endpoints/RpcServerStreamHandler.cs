using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Handles a method with one request and a stream of replies, knowing its messages at compile time.</summary>
/// <typeparam name="TRequest">The request message.</typeparam>
/// <typeparam name="TReply">The reply message.</typeparam>
/// <param name="request">The request.</param>
/// <param name="replies">Where the replies go.</param>
/// <param name="context">The call.</param>
/// <returns>Ends when everything is written.</returns>
public delegate ValueTask RpcServerStreamHandler<TRequest, TReply>(TRequest request, IRpcStreamWriter<TReply> replies, RpcContext context)
    where TRequest : class
    where TReply : class;
