using Google.Protobuf;
using Kestrel.Rpc.Middleware;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Routing;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps RPC methods with streams to handlers whose messages are known at compile time. No reflection: fit for trimming and Native AOT.</summary>
public static class RpcStreamRouteBuilderExtensions
{
    private const string Caller = "app.MapRpc...Stream(...)";

    /// <summary>Maps a method with a stream of requests and one reply.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="endpoints">The application, or a group.</param>
    /// <param name="name">As for <c>MapRpc</c>.</param>
    /// <param name="handler">The handler. Runs for many calls at once.</param>
    /// <returns>For adding filters, metadata and further names.</returns>
    /// <exception cref="ArgumentException">The name is not of the form <c>service/method</c>.</exception>
    /// <exception cref="InvalidOperationException">There is no <c>AddRpc</c>, or the host has started already.</exception>
    public static RpcEndpointConventionBuilder MapRpcClientStream<TRequest, TReply>(
        this IEndpointRouteBuilder endpoints, string name, RpcClientStreamHandler<TRequest, TReply> handler)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Map(endpoints, name, handler, new RpcBoundHandler(
            null,
            context => RpcReplyResults.FromValueTaskOf(context, handler(RpcStreams.Reader<TRequest>(context), context)),
            RpcMethodShape.ClientStreaming));
    }

    /// <summary>Maps a method with one request and a stream of replies.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="endpoints">The application, or a group.</param>
    /// <param name="name">As for <c>MapRpc</c>.</param>
    /// <param name="handler">The handler. Runs for many calls at once.</param>
    /// <returns>For adding filters, metadata and further names.</returns>
    /// <exception cref="ArgumentException">The name is not of the form <c>service/method</c>.</exception>
    /// <exception cref="InvalidOperationException">There is no <c>AddRpc</c>, or the host has started already.</exception>
    public static RpcEndpointConventionBuilder MapRpcServerStream<TRequest, TReply>(
        this IEndpointRouteBuilder endpoints, string name, RpcServerStreamHandler<TRequest, TReply> handler)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Map(endpoints, name, handler, new RpcBoundHandler(
            RpcRequestParsers.Create<TRequest>(),
            context => handler((TRequest)context.Request, RpcStreams.Writer<TReply>(context), context),
            RpcMethodShape.ServerStreaming));
    }

    /// <summary>Maps a method with a stream in each direction.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="endpoints">The application, or a group.</param>
    /// <param name="name">As for <c>MapRpc</c>.</param>
    /// <param name="handler">The handler. Runs for many calls at once.</param>
    /// <returns>For adding filters, metadata and further names.</returns>
    /// <exception cref="ArgumentException">The name is not of the form <c>service/method</c>.</exception>
    /// <exception cref="InvalidOperationException">There is no <c>AddRpc</c>, or the host has started already.</exception>
    public static RpcEndpointConventionBuilder MapRpcDuplexStream<TRequest, TReply>(
        this IEndpointRouteBuilder endpoints, string name, RpcDuplexStreamHandler<TRequest, TReply> handler)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Map(endpoints, name, handler, new RpcBoundHandler(
            null,
            context => handler(RpcStreams.Reader<TRequest>(context), RpcStreams.Writer<TReply>(context), context),
            RpcMethodShape.DuplexStreaming));
    }

    private static RpcEndpointConventionBuilder Map(IEndpointRouteBuilder endpoints, string name, Delegate handler, RpcBoundHandler bound)
    {
        RpcGroup group = endpoints.GetRpcGroup(Caller);
        return new RpcEndpointConventionBuilder(group.Map(group.ParseName(name, nameof(name)), handler, bound).Conventions);
    }
}
