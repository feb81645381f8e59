namespace Kestrel.Rpc.Client.Tests;

/// <summary>Every await in a test has a time limit.</summary>
internal static class TimeLimits
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static Task Within(this Task task) => task.WaitAsync(Limit);

    public static Task<T> Within<T>(this Task<T> task) => task.WaitAsync(Limit);

    public static Task Within(this ValueTask task) => task.AsTask().WaitAsync(Limit);

    public static Task<T> Within<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Limit);

    /// <summary>Waits for a state that is reached without an event; fails when it is not reached in time.</summary>
    public static async Task Until(Func<bool> condition)
    {
        long start = Environment.TickCount64;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 - start < Limit.TotalMilliseconds, "The state was not reached in time.");
            await Task.Yield();
        }
    }
}
