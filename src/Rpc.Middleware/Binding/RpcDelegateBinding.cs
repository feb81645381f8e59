using System.ComponentModel;
using Google.Protobuf;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// What the code that Kestrel.Rpc.Analyzers generates for <c>MapRpc(name, delegate)</c> calls: the same as the binder does at run time, without
/// reflection. Not meant to be called by hand. Maps while the application starts; all else on the thread of the call.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class RpcDelegateBinding
{
    /// <summary>Maps a handler whose parameters the generator has bound.</summary>
    /// <typeparam name="TRequest">The request message, of one or of a stream.</typeparam>
    /// <param name="endpoints">The application, or a group.</param>
    /// <param name="name">As for <c>MapRpc</c>.</param>
    /// <param name="handler">The handler as it was given to <c>MapRpc</c>: its attributes become metadata.</param>
    /// <param name="shape">Whether requests and replies are streams.</param>
    /// <param name="bind">Finds the services among the parameters, and makes what calls the handler. Called once, before this returns.</param>
    /// <returns>For adding filters, metadata and further names.</returns>
    /// <exception cref="ArgumentException">The name is not of the form <c>service/method</c>.</exception>
    /// <exception cref="InvalidOperationException">A service is missing, there is no <c>AddRpc</c>, or the host has started already.</exception>
    public static RpcEndpointConventionBuilder Map<TRequest>(
        IEndpointRouteBuilder endpoints, string name, Delegate handler, RpcMethodShape shape, Func<RpcDelegateParameters, RpcDelegate> bind)
        where TRequest : class, IMessage<TRequest>, new()
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(bind);
        RpcGroup group = endpoints.GetRpcGroup("app.MapRpc(...)");
        RpcMethodName parsed = group.ParseName(name, nameof(name));
        bool hasRequestStream = shape is RpcMethodShape.ClientStreaming or RpcMethodShape.DuplexStreaming;
        RpcBoundHandler bound = new(
            hasRequestStream ? null : RpcRequestParsers.Create<TRequest>(), bind(new RpcDelegateParameters(parsed, group.Services)), shape);
        return new RpcEndpointConventionBuilder(group.Map(parsed, handler, bound).Conventions);
    }

    /// <summary>The reply of a handler that returns it.</summary>
    /// <param name="context">The call.</param>
    /// <param name="reply">The reply.</param>
    /// <returns>Has ended.</returns>
    public static ValueTask FromMessage(RpcContext context, IMessage? reply) => RpcReplyResults.FromMessage(context, reply);

    /// <summary>The empty reply of a handler that returns nothing.</summary>
    /// <param name="context">The call.</param>
    /// <returns>Has ended.</returns>
    public static ValueTask FromNothing(RpcContext context) => RpcReplyResults.FromNothing(context);

    /// <summary>The empty reply of a handler that returns a task.</summary>
    /// <param name="context">The call.</param>
    /// <param name="task">The task.</param>
    /// <returns>Ends with the task.</returns>
    public static ValueTask FromTask(RpcContext context, Task task) => RpcReplyResults.FromTask(context, task);

    /// <summary>The empty reply of a handler that returns a task.</summary>
    /// <param name="context">The call.</param>
    /// <param name="task">The task.</param>
    /// <returns>Ends with the task.</returns>
    public static ValueTask FromTask(RpcContext context, ValueTask task) => RpcReplyResults.FromValueTask(context, task);

    /// <summary>The reply of a handler that returns a task of it.</summary>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="context">The call.</param>
    /// <param name="task">The task.</param>
    /// <returns>Ends with the task.</returns>
    public static ValueTask FromTaskOf<TReply>(RpcContext context, Task<TReply> task)
        where TReply : class, IMessage => RpcReplyResults.FromTaskOf(context, task);

    /// <summary>The reply of a handler that returns a task of it.</summary>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="context">The call.</param>
    /// <param name="task">The task.</param>
    /// <returns>Ends with the task.</returns>
    public static ValueTask FromTaskOf<TReply>(RpcContext context, ValueTask<TReply> task)
        where TReply : class, IMessage => RpcReplyResults.FromValueTaskOf(context, task);

    /// <summary>The stream of requests.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <param name="context">The call.</param>
    /// <returns>The stream.</returns>
    public static IRpcStreamReader<TRequest> Reader<TRequest>(RpcContext context)
        where TRequest : class, IMessage<TRequest>, new() => RpcStreams.Reader<TRequest>(context);

    /// <summary>The stream of requests.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <param name="context">The call.</param>
    /// <returns>The stream.</returns>
    public static IAsyncEnumerable<TRequest> ReadAll<TRequest>(RpcContext context)
        where TRequest : class, IMessage<TRequest>, new() => RpcStreams.ReadAll<TRequest>(context);

    /// <summary>The stream of replies.</summary>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="context">The call.</param>
    /// <returns>The stream.</returns>
    public static IRpcStreamWriter<TReply> Writer<TReply>(RpcContext context)
        where TReply : class, IMessage => RpcStreams.Writer<TReply>(context);

    /// <summary>Sends all that a handler yields.</summary>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="context">The call.</param>
    /// <param name="replies">The replies.</param>
    /// <returns>Ends behind the last one.</returns>
    public static ValueTask WriteAll<TReply>(RpcContext context, IAsyncEnumerable<TReply> replies)
        where TReply : class, IMessage => RpcStreams.WriteAll(context, replies);

    /// <summary>Sends all that a handler yields which has to wait before.</summary>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="context">The call.</param>
    /// <param name="replies">The replies.</param>
    /// <returns>Ends behind the last one.</returns>
    public static ValueTask WriteAllOf<TReply>(RpcContext context, Task<IAsyncEnumerable<TReply>> replies)
        where TReply : class, IMessage => RpcStreams.WriteAllOf(context, replies);
}
