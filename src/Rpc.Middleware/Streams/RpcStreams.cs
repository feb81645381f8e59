using System.Runtime.CompilerServices;
using Google.Protobuf;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>What handlers of streams are called with, and what becomes of their results.</summary>
internal static class RpcStreams
{
    public static IRpcStreamReader<TRequest> Reader<TRequest>(RpcContext context)
        where TRequest : class, IMessage<TRequest>, new() => Reader(context, ProtobufFormat<TRequest>.Instance);

    public static IRpcStreamReader<TRequest> Reader<TRequest>(RpcContext context, RpcMessageFormat<TRequest> format)
        where TRequest : class => new RpcStreamReader<TRequest>(Of(context), format);

    public static IRpcStreamWriter<TReply> Writer<TReply>(RpcContext context)
        where TReply : class => new RpcStreamWriter<TReply>(Replies(context));

    public static IAsyncEnumerable<TRequest> ReadAll<TRequest>(RpcContext context)
        where TRequest : class, IMessage<TRequest>, new() => Reader<TRequest>(context).ReadAllAsync();

    /// <summary>Sends all that a handler yields.</summary>
    public static async ValueTask WriteAll<TReply>(RpcContext context, IAsyncEnumerable<TReply> replies)
        where TReply : class
    {
        IRpcReplyStream stream = Replies(context);
        await foreach (TReply reply in replies.WithCancellation(stream.Cancelled).ConfigureAwait(false))
        {
            await stream.WriteAsync(reply, default, default).ConfigureAwait(false);
        }
    }

    /// <summary>As <see cref="WriteAll"/>, when the handler has to wait before it can say what it yields.</summary>
    public static async ValueTask WriteAllOf<TReply>(RpcContext context, Task<IAsyncEnumerable<TReply>> replies)
        where TReply : class => await WriteAll(context, await replies.ConfigureAwait(false)).ConfigureAwait(false);

    public static ValueTask AwaitTask(Task task) => new(task);

    public static ValueTask AwaitValueTask(ValueTask task) => task;

    private static RpcCallStream Of(RpcContext context) => (context as RpcCall)?.Version2?.Stream ?? throw HasNone(context);

    private static IRpcReplyStream Replies(RpcContext context) =>
        (context as RpcCall)?.Version2?.Stream ?? (IRpcReplyStream?)(context as RpcHttpCall)?.Replies ?? throw HasNone(context);

    // A context of somebody's own making, in a test of a handler, has no streams.
    private static InvalidOperationException HasNone(RpcContext context) => new($"The call of '{context.Name}' has no streams.");
}
