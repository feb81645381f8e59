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

    /// <summary>Two threads that do the same thing for every round, in step, so that they do it at the same moment.</summary>
    public static Task RaceAsync(int rounds, Action<int, int> roundAndThread)
    {
        int[] position = [-1, -1];
        bool hasFailed = false;
        return Task.WhenAll(Enumerable.Range(0, 2).Select(me => Start(() =>
        {
            for (int round = 0; round < rounds; round++)
            {
                Volatile.Write(ref position[me], round);
                SpinWait wait = default;
                while (Volatile.Read(ref position[1 - me]) < round && !Volatile.Read(ref hasFailed))
                {
                    wait.SpinOnce(sleep1Threshold: -1);
                }

                try
                {
                    roundAndThread(round, me);
                }
                catch
                {
                    Volatile.Write(ref hasFailed, true);
                    throw;
                }
            }
        })));
    }
}
