using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Kestrel.Rpc.Middleware;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Routing;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps RPC methods to handlers.</summary>
public static class RpcEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps a method to a handler of any shape. Its parameters are bound by type, once: a protobuf message is the request
    /// (there must be exactly one), <see cref="RpcContext"/> is the call, <see cref="CancellationToken"/> is
    /// <see cref="RpcContext.CancellationToken"/>, and everything else is a service, with <c>[FromKeyedServices]</c> a keyed
    /// one. It returns the reply message, a task of it, or nothing (<see langword="void"/>, <see cref="Task"/>,
    /// <see cref="ValueTask"/>), which replies with an empty body: a message without fields, such as google.protobuf.Empty.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="name">The name of the form <c>service/method</c>. Upper and lower case differ.</param>
    /// <param name="handler">The handler. Runs for many calls at once.</param>
    /// <returns>For adding metadata and further names.</returns>
    /// <exception cref="ArgumentException">The name is not of that form.</exception>
    /// <exception cref="InvalidOperationException">
    /// A parameter or the result cannot be bound, there is no <c>AddRpc</c>, or the host has started already.
    /// </exception>
    [RequiresDynamicCode(RpcDelegateBinder.Reason)]
    [RequiresUnreferencedCode(RpcDelegateBinder.Reason)]
    public static RpcEndpointConventionBuilder MapRpc(this IEndpointRouteBuilder endpoints, string name, Delegate handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        RpcServer server = GetServer(endpoints);
        RpcMethodName parsed = RpcNames.Parse(name, nameof(name));
        RpcBoundHandler bound = new RpcDelegateBinder(parsed, server.Services).Bind(handler);
        return new RpcEndpointConventionBuilder(server.Map(parsed, handler, bound));
    }

    /// <summary>
    /// Maps a method to a handler whose messages are known at compile time. Needs no reflection: fit for trimming and Native AOT.
    /// </summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="endpoints">The application.</param>
    /// <param name="name">The name of the form <c>service/method</c>. Upper and lower case differ.</param>
    /// <param name="handler">The handler. Runs for many calls at once.</param>
    /// <returns>For adding metadata and further names.</returns>
    /// <exception cref="ArgumentException">The name is not of that form.</exception>
    /// <exception cref="InvalidOperationException">There is no <c>AddRpc</c>, or the host has started already.</exception>
    public static RpcEndpointConventionBuilder MapRpc<TRequest, TReply>(
        this IEndpointRouteBuilder endpoints,
        string name,
        RpcHandler<TRequest, TReply> handler)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage
    {
        ArgumentNullException.ThrowIfNull(handler);
        RpcServer server = GetServer(endpoints);
        RpcMethodName parsed = RpcNames.Parse(name, nameof(name));
        RpcBoundHandler bound = new(
            RpcRequestParsers.Create<TRequest>(),
            context => RpcReplyResults.FromValueTaskOf(context, handler((TRequest)context.Request, context)));
        return new RpcEndpointConventionBuilder(server.Map(parsed, handler, bound));
    }

    private static RpcServer GetServer(IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        if (endpoints is RouteGroupBuilder)
        {
            // What the group demands, authorization above all, would silently not apply.
            throw new InvalidOperationException(
                "RPC methods cannot be mapped in a group of HTTP routes: its prefix and conventions would not apply. Call MapRpc on the "
                + "application itself.");
        }

        return endpoints.ServiceProvider.GetRpcServer("app.MapRpc(...)");
    }
}
