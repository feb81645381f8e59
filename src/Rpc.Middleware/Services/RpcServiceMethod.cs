namespace Kestrel.Rpc.Middleware;

/// <summary>Calls the method of a service with one request and one reply.</summary>
/// <typeparam name="TService">The service, as its description sees it: a base class or an interface.</typeparam>
/// <typeparam name="TRequest">The request message.</typeparam>
/// <typeparam name="TReply">The reply message.</typeparam>
/// <param name="service">The service's instance for this call.</param>
/// <param name="request">The request.</param>
/// <param name="context">The call.</param>
/// <returns>The reply.</returns>
public delegate ValueTask<TReply> RpcServiceMethod<in TService, TRequest, TReply>(TService service, TRequest request, RpcContext context)
    where TService : class
    where TRequest : class
    where TReply : class;
