using System.Runtime.CompilerServices;
using Google.Protobuf.WellKnownTypes;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Puts what a handler returns into its call. A handler that returns nothing replies with an empty body, which is how
/// <see cref="Empty"/> and every message without fields looks on the wire.
/// </summary>
internal static class RpcReplyResults
{
    // Never changed by anyone: it has no fields.
    private static readonly Empty Nothing = new();

    public static ValueTask FromMessage(RpcContext context, object? reply)
    {
        context.Reply = reply;
        return default;
    }

    public static ValueTask FromNothing(RpcContext context) => FromMessage(context, Nothing);

    public static ValueTask FromTask(RpcContext context, Task task) => FromValueTask(context, new ValueTask(task));

    public static ValueTask FromTaskOf<TReply>(RpcContext context, Task<TReply> task)
        where TReply : class => FromValueTaskOf(context, new ValueTask<TReply>(task));

    public static ValueTask FromValueTask(RpcContext context, ValueTask task)
    {
        if (!task.IsCompletedSuccessfully)
        {
            return Await(context, task);
        }

        task.GetAwaiter().GetResult();
        return FromNothing(context);
    }

    public static ValueTask FromValueTaskOf<TReply>(RpcContext context, ValueTask<TReply> task)
        where TReply : class => task.IsCompletedSuccessfully ? FromMessage(context, task.Result) : AwaitOf(context, task);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask Await(RpcContext context, ValueTask task)
    {
        await task.ConfigureAwait(false);
        context.Reply = Nothing;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask AwaitOf<TReply>(RpcContext context, ValueTask<TReply> task)
        where TReply : class => context.Reply = await task.ConfigureAwait(false);
}
