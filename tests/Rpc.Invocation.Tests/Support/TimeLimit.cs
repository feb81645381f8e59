using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>The time limit of every wait in a test: generous, because it only ends tests that hang.</summary>
internal static class TimeLimit
{
    public static TimeSpan Current => Debugger.IsAttached ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(60);

    public static Task Limited(this Task task, [CallerArgumentExpression(nameof(task))] string what = "") => NameAsync(task, what);

    public static Task Limited(this ValueTask task, [CallerArgumentExpression(nameof(task))] string what = "") => NameAsync(task.AsTask(), what);

    public static async Task<T> Limited<T>(this Task<T> task, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        await NameAsync(task, what);
        return await task;
    }

    public static Task<T> Limited<T>(this ValueTask<T> task, [CallerArgumentExpression(nameof(task))] string what = "") => task.AsTask().Limited(what);

    /// <summary>For a condition that nothing announces.</summary>
    public static async Task UntilAsync(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > TimeSpan.FromSeconds(60))
            {
                throw new TimeoutException($"Never: {what}");
            }

            await Task.Yield();
        }
    }

    private static async Task NameAsync(Task task, string what)
    {
        try
        {
            await task.WaitAsync(Current);
        }
        catch (TimeoutException timeout) when (!task.IsCompleted)
        {
            throw new TimeoutException($"Nothing came of '{what}' within {Current.TotalSeconds:0.#} s.", timeout);
        }
    }
}
