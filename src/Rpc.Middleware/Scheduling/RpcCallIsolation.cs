namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Keeps calls apart that run on one thread one after the other: a handler that is not async can leave its AsyncLocals (the culture is one)
/// or a synchronization context behind, and the next call must not see them.
/// </summary>
internal static class RpcCallIsolation
{
    private static readonly ExecutionContext Empty = CaptureEmpty();

    /// <summary>Runs a call as a thread of the pool does: without the ambient values of the code around this.</summary>
    public static void RunApart(RpcCall call)
    {
        ExecutionContext? around = ExecutionContext.Capture();
        if (around is null || around == Empty)
        {
            call.Execute();
            return;
        }

        ExecutionContext.Restore(Empty);
        call.Execute();
        Restore(around);
    }

    /// <summary>
    /// Starts what several calls will wait for: without the ambient values of the one that asks first, whose deadline and activity must not become those of all.
    /// </summary>
    public static TTask StartApart<TTask>(Func<TTask> start)
        where TTask : Task
    {
        TTask? started = null;
        ExecutionContext.Run(Empty, _ => started = start(), null);
        return started!;
    }

    /// <summary>Undoes what a call has left behind on this thread.</summary>
    /// <param name="before">The context before the call; null if its flow was suppressed.</param>
    public static void Restore(ExecutionContext? before)
    {
        if (before is not null && ExecutionContext.Capture() != before)
        {
            ExecutionContext.Restore(before);
        }

        if (SynchronizationContext.Current is not null)
        {
            SynchronizationContext.SetSynchronizationContext(null);
        }
    }

    // A thread without any has it.
    private static ExecutionContext CaptureEmpty()
    {
        ExecutionContext? empty = null;
        Thread thread = new(() => empty = ExecutionContext.Capture());
        thread.UnsafeStart();
        thread.Join();
        return empty!;
    }
}
