namespace Kestrel.Rpc.Generator.Tests;

/// <summary>The time limit of every await in a test: generous, because it only ends tests that hang.</summary>
internal static class TimeLimits
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static Task Limited(this Task task) => task.WaitAsync(Limit);

    public static Task<T> Limited<T>(this Task<T> task) => task.WaitAsync(Limit);

    public static Task Limited(this ValueTask task) => task.AsTask().WaitAsync(Limit);

    public static Task<T> Limited<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Limit);
}
