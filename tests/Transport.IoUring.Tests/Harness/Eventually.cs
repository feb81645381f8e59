using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Waits for what has no event of its own.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    /// <summary>Returns as soon as the condition holds; fails the test when the time limit is over.</summary>
    public static Task TrueAsync(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        TrueAsync(() => Task.FromResult(condition()), what);

    /// <summary>Returns as soon as the condition holds; fails the test when the time limit is over.</summary>
    public static async Task TrueAsync(Func<Task<bool>> condition, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        using var timer = new PeriodicTimer(Interval);
        long start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(start) > TimeLimit.Current)
            {
                Assert.Fail($"Never became true within {TimeLimit.Current.TotalSeconds:0.#} s: {what}");
            }

            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>Returns when a value that has no event has stayed the same for a while: 20 polls, 10 ms apart.</summary>
    public static async Task<long> StableAsync(Func<long> value)
    {
        using var timer = new PeriodicTimer(2 * Interval);
        long last = value();
        for (int same = 0; same < 20; same++)
        {
            await timer.WaitForNextTickAsync().Limited();
            long now = value();
            if (now != last)
            {
                (last, same) = (now, 0);
            }
        }

        return last;
    }
}
