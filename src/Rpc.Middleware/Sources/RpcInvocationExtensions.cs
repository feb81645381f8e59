using Google.Protobuf;
using Kestrel.Rpc.Invocation;
using Kestrel.Rpc.Middleware;
using Microsoft.AspNetCore.Routing;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps RPC methods to handlers and sources of <c>Kestrel.Rpc.Invocation</c>.</summary>
public static class RpcInvocationExtensions
{
    /// <summary>
    /// Maps a method to an invocation handler: one that is put together of others, a <see cref="FanOut{TArg, TRet}"/>, or the client of a channel. The
    /// reply may come later and from any thread. The call ends when the handler has ended and the reply was given or nobody waits for it any more.
    /// </summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="endpoints">The application, or a group.</param>
    /// <param name="name">
    /// The name of the form <c>service/method</c>; in a group with a prefix see <c>MapRpcGroup</c>. Upper and lower case differ.
    /// </param>
    /// <param name="handler">The handler. Runs for many calls at once. What it fails a call with is treated as an exception of any other handler;
    /// an <see cref="InvocationRejectedException"/> is <c>UNAVAILABLE</c>, not processed.</param>
    /// <returns>For adding filters, metadata and further names.</returns>
    /// <exception cref="ArgumentException">The name is not of that form.</exception>
    /// <exception cref="InvalidOperationException">There is no <c>AddRpc</c>, or the host has started already.</exception>
    public static RpcEndpointConventionBuilder MapRpc<TRequest, TReply>(
        this IEndpointRouteBuilder endpoints, string name, IInvocationHandler<TRequest, TReply> handler)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage
    {
        ArgumentNullException.ThrowIfNull(handler);
        RpcGroup group = endpoints.GetRpcGroup("app.MapRpc(...)");
        return RpcInvocations.Map(group, group.ParseName(name, nameof(name)), handler, continuesInline: false);
    }

    /// <summary>
    /// Maps a method to an invocation handler that gets the whole call, so that one handler can serve many methods. The <see cref="RpcContext"/> is the
    /// handler's until it has replied and ended.
    /// </summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <param name="endpoints">The application, or a group.</param>
    /// <param name="name">As above.</param>
    /// <param name="handler">As above.</param>
    /// <returns>For adding filters, metadata and further names.</returns>
    /// <exception cref="ArgumentException">The name is not of that form.</exception>
    /// <exception cref="InvalidOperationException">There is no <c>AddRpc</c>, or the host has started already.</exception>
    public static RpcEndpointConventionBuilder MapRpc<TRequest>(
        this IEndpointRouteBuilder endpoints, string name, IInvocationHandler<RpcContext, IMessage> handler)
        where TRequest : class, IMessage<TRequest>, new()
    {
        ArgumentNullException.ThrowIfNull(handler);
        RpcGroup group = endpoints.GetRpcGroup("app.MapRpc(...)");
        return RpcInvocations.MapCalls<TRequest>(group, group.ParseName(name, nameof(name)), handler, continuesInline: false);
    }

    /// <summary>Maps a method to a source: its calls wait in a bounded buffer until somebody receives them.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="endpoints">The application, or a group.</param>
    /// <param name="name">As for <see cref="MapRpc{TRequest, TReply}"/>.</param>
    /// <param name="options">Default: <see cref="RpcSourceOptions"/> as they are.</param>
    /// <returns>The source, and the method for adding filters, metadata and further names.</returns>
    /// <exception cref="ArgumentException">The name is not of that form, or the capacity is out of its range.</exception>
    /// <exception cref="InvalidOperationException">There is no <c>AddRpc</c>, or the host has started already.</exception>
    public static RpcMethodSource<TRequest, TReply> MapRpcSource<TRequest, TReply>(
        this IEndpointRouteBuilder endpoints, string name, RpcSourceOptions? options = null)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage
    {
        RpcGroup group = endpoints.GetRpcGroup("app.MapRpcSource(...)");
        return new RpcMethodSource<TRequest, TReply>(group, group.ParseName(name, nameof(name)), options);
    }

    /// <summary>Makes a source of the calls of many methods, which are added with <see cref="RpcCallSource.MapRpc"/>.</summary>
    /// <param name="endpoints">The application, or a group.</param>
    /// <param name="options">Default: <see cref="RpcSourceOptions"/> as they are.</param>
    /// <returns>The source.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is out of its range.</exception>
    /// <exception cref="InvalidOperationException">There is no <c>AddRpc</c>.</exception>
    public static RpcCallSource MapRpcSource(this IEndpointRouteBuilder endpoints, RpcSourceOptions? options = null) =>
        new(endpoints.GetRpcGroup("app.MapRpcSource(...)"), options);
}
