
namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Handles a method, knowing its messages at compile time: mapping it needs no reflection, so it is fit for trimming and
/// Native AOT. Services are at <see cref="RpcContext.RequestServices"/>.
/// </summary>
/// <typeparam name="TRequest">The request message.</typeparam>
/// <typeparam name="TReply">The reply message.</typeparam>
/// <param name="request">The request.</param>
/// <param name="context">The call.</param>
/// <returns>The reply.</returns>
public delegate ValueTask<TReply> RpcHandler<TRequest, TReply>(TRequest request, RpcContext context)
    where TRequest : class
    where TReply : class;
