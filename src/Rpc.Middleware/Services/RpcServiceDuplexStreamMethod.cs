using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Calls the method of a service with a stream in each direction.</summary>
/// <typeparam name="TService">The service, as its description sees it: a base class or an interface.</typeparam>
/// <typeparam name="TRequest">The request message.</typeparam>
/// <typeparam name="TReply">The reply message.</typeparam>
/// <param name="service">The service's instance for this call.</param>
/// <param name="requests">The requests.</param>
/// <param name="replies">Where the replies go.</param>
/// <param name="context">The call.</param>
/// <returns>Ends when everything is written.</returns>
public delegate ValueTask RpcServiceDuplexStreamMethod<in TService, TRequest, TReply>(
    TService service, IRpcStreamReader<TRequest> requests, IRpcStreamWriter<TReply> replies, RpcContext context)
    where TService : class
    where TRequest : class
    where TReply : class;
