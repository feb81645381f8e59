using System.Collections.Concurrent;

namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>What a service has seen.</summary>
internal sealed class ShopLog
{
    public ConcurrentQueue<string> Saved { get; } = new();

    public TaskCompletionSource<string> Notified { get; } = New<string>();

    public TaskCompletionSource Waits { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource<bool> Cancelled { get; } = New<bool>();

    public TaskCompletionSource CountEnded { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static TaskCompletionSource<T> New<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
