namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>What tests want to know of a loop.</summary>
internal static class EventLoopFacts
{
    /// <summary>Whether the loop's thread has ended: what is scheduled on it then runs on the thread pool.</summary>
    public static async Task<bool> HasEndedAsync(this EventLoop loop)
    {
        var onPool = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Schedule(_ => onPool.SetResult(Thread.CurrentThread.IsThreadPoolThread), null);
        return await onPool.Task.Limited();
    }

    /// <summary>Runs on the loop and waits for it.</summary>
    public static Task RunAsync(this EventLoop loop, Action action)
    {
        var ran = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Schedule(
            _ =>
            {
                try
                {
                    action();
                    ran.SetResult();
                }
                catch (Exception e)
                {
                    ran.SetException(e);
                }
            },
            null);
        return ran.Task.Limited();
    }
}
