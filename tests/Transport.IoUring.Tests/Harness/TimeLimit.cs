using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>The time limit of every await in a test: generous, because it only ends tests that hang.</summary>
internal static class TimeLimit
{
    private static readonly TimeSpan Default = TimeSpan.FromSeconds(10);
    private static readonly AsyncLocal<TimeSpan?> Override = new();

    /// <summary>The limit that holds here.</summary>
    public static TimeSpan Current => Debugger.IsAttached ? Timeout.InfiniteTimeSpan : Override.Value ?? Default;

    /// <summary>Sets another limit for what the current method awaits: for checks that are expected to hang.</summary>
    public static void Set(TimeSpan limit) => Override.Value = limit;

    public static Task Limited(this Task task, [CallerArgumentExpression(nameof(task))] string what = "", [CallerMemberName] string where = "") =>
        NameAsync(task.WaitAsync(Current), what, where);

    public static Task Limited(this ValueTask task, [CallerArgumentExpression(nameof(task))] string what = "", [CallerMemberName] string where = "") =>
        task.AsTask().Limited(what, where);

    public static async Task<T> Limited<T>(this Task<T> task, [CallerArgumentExpression(nameof(task))] string what = "", [CallerMemberName] string where = "")
    {
        await NameAsync(task.WaitAsync(Current), what, where);
        return await task;
    }

    public static Task<T> Limited<T>(this ValueTask<T> task, [CallerArgumentExpression(nameof(task))] string what = "", [CallerMemberName] string where = "") =>
        task.AsTask().Limited(what, where);

    private static async Task NameAsync(Task task, string what, string where)
    {
        try
        {
            await task;
        }
        catch (TimeoutException timeout)
        {
            throw new TimeoutException($"Nothing came of '{what}' in {where} within {Current.TotalSeconds:0.#} s.", timeout);
        }
    }
}
