using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Kestrel.Rpc.Middleware;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Routing;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps RPC methods to handlers.</summary>
public static class RpcEndpointRouteBuilderExtensions
{
    private const string Caller = "app.MapRpc(...)";

    /// <summary>
    /// Maps a method to a handler of any shape. Its parameters are bound by type, once: a protobuf message is the request
    /// (there must be exactly one), <see cref="RpcContext"/> is the call, <see cref="CancellationToken"/> is
    /// <see cref="RpcContext.CancellationToken"/>, and everything else is a service, with <c>[FromKeyedServices]</c> a keyed
    /// one. It returns the reply message, a task of it, or nothing (<see langword="void"/>, <see cref="Task"/>,
    /// <see cref="ValueTask"/>), which replies with an empty body: a message without fields, such as google.protobuf.Empty.
    /// </summary>
    /// <param name="endpoints">The application, or a group.</param>
    /// <param name="name">
    /// The name of the form <c>service/method</c>; in a group with a prefix see <see cref="MapRpcGroup"/>. Upper and lower case differ.
    /// </param>
    /// <param name="handler">The handler. Runs for many calls at once.</param>
    /// <returns>For adding filters, metadata and further names.</returns>
    /// <exception cref="ArgumentException">The name is not of that form.</exception>
    /// <exception cref="InvalidOperationException">
    /// A parameter or the result cannot be bound, there is no <c>AddRpc</c>, or the host has started already.
    /// </exception>
    [RequiresDynamicCode(RpcDelegateBinder.Reason)]
    [RequiresUnreferencedCode(RpcDelegateBinder.Reason)]
    public static RpcEndpointConventionBuilder MapRpc(this IEndpointRouteBuilder endpoints, string name, Delegate handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        RpcGroup group = endpoints.GetRpcGroup(Caller);
        RpcMethodName parsed = group.ParseName(name, nameof(name));
        RpcBoundHandler bound = new RpcDelegateBinder(parsed, group.Services).Bind(handler);
        return new RpcEndpointConventionBuilder(group.Map(parsed, handler, bound).Conventions);
    }

    /// <summary>
    /// Maps a method to a handler whose messages are known at compile time. Needs no reflection: fit for trimming and Native AOT.
    /// </summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="endpoints">The application, or a group.</param>
    /// <param name="name">
    /// The name of the form <c>service/method</c>; in a group with a prefix see <see cref="MapRpcGroup"/>. Upper and lower case differ.
    /// </param>
    /// <param name="handler">The handler. Runs for many calls at once.</param>
    /// <returns>For adding filters, metadata and further names.</returns>
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
        RpcGroup group = endpoints.GetRpcGroup(Caller);
        RpcMethodName parsed = group.ParseName(name, nameof(name));
        RpcBoundHandler bound = new(
            RpcRequestParsers.Create<TRequest>(),
            context => RpcReplyResults.FromValueTaskOf(context, handler((TRequest)context.Request, context)));
        return new RpcEndpointConventionBuilder(group.Map(parsed, handler, bound).Conventions);
    }

    /// <summary>
    /// Makes a group: methods that have filters, metadata and other conventions in common, and a part of their names.
    /// </summary>
    /// <param name="endpoints">The application, or a group around this one.</param>
    /// <param name="prefix">
    /// The service, so that <c>MapRpcGroup("inventory").MapRpc("Find", ...)</c> maps <c>inventory/Find</c>; or what stands in front
    /// of one, with a dot between: <c>MapRpcGroup("shop").MapRpc("Inventory/Find", ...)</c> maps <c>shop.Inventory/Find</c>. The
    /// prefixes of nested groups are joined with dots, too. Empty for none.
    /// </param>
    /// <returns>For mapping methods and for adding conventions, in any order.</returns>
    /// <exception cref="ArgumentException">The prefix holds a slash or white space, or begins or ends with a dot.</exception>
    /// <exception cref="InvalidOperationException">There is no <c>AddRpc</c>, or this is a group of HTTP routes.</exception>
    public static RpcGroupBuilder MapRpcGroup(this IEndpointRouteBuilder endpoints, string prefix = "") =>
        new(endpoints.GetRpcGroup("app.MapRpcGroup(...)").CreateGroup(prefix));
}
