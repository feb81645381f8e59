using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Handles a method with a stream in each direction, knowing its messages at compile time. One thread may read while another writes.</summary>
/// <typeparam name="TRequest">The request message.</typeparam>
/// <typeparam name="TReply">The reply message.</typeparam>
/// <param name="requests">The requests. Need not be read to their end.</param>
/// <param name="replies">Where the replies go.</param>
/// <param name="context">The call.</param>
/// <returns>Ends when everything is written.</returns>
public delegate ValueTask RpcDuplexStreamHandler<TRequest, TReply>(
    IRpcStreamReader<TRequest> requests, IRpcStreamWriter<TReply> replies, RpcContext context)
    where TRequest : class
    where TReply : class;
