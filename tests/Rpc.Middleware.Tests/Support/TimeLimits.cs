namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Every await of a test has a time limit: a hang is a failure with a stack, not a stuck run.</summary>
internal static class TimeLimits
{
    // Generous: one core may be shared by many test processes.
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static Task InTime(this Task task) => task.WaitAsync(Limit);

    public static Task<T> InTime<T>(this Task<T> task) => task.WaitAsync(Limit);

    public static Task InTime(this ValueTask task) => task.AsTask().WaitAsync(Limit);

    public static Task<T> InTime<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Limit);
}
