namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>Threads of a test's own, whose end and failure it awaits.</summary>
internal static class Threads
{
    public static Task Start(Action work)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                work();
                ended.SetResult();
            }
            catch (Exception exception)
            {
                ended.SetException(exception);
            }
        })
        {
            IsBackground = true,
        };
        thread.Start();
        return ended.Task;
    }

    /// <summary>The number of worker threads of stress tests: more than processors, so that they interrupt each other.</summary>
    public const int Many = 4;
}
