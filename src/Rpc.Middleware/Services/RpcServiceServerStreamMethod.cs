using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Calls the method of a service with one request and a stream of replies.</summary>
/// <typeparam name="TService">The service, as its description sees it: a base class or an interface.</typeparam>
/// <typeparam name="TRequest">The request message.</typeparam>
/// <typeparam name="TReply">The reply message.</typeparam>
/// <param name="service">The service's instance for this call.</param>
/// <param name="request">The request.</param>
/// <param name="replies">Where the replies go.</param>
/// <param name="context">The call.</param>
/// <returns>Ends when everything is written.</returns>
public delegate ValueTask RpcServiceServerStreamMethod<in TService, TRequest, TReply>(
    TService service, TRequest request, IRpcStreamWriter<TReply> replies, RpcContext context)
    where TService : class
    where TRequest : class
    where TReply : class;
