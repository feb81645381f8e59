using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport;

/// <summary>Runs continuations on the thread pool, as <see cref="PipeScheduler.ThreadPool"/> does, but without capturing the loop's context.</summary>
internal sealed class PoolScheduler : PipeScheduler
{
    public static readonly PoolScheduler Instance = new();

    public override void Schedule(Action<object?> action, object? state) =>
        System.Threading.ThreadPool.UnsafeQueueUserWorkItem(action, state, preferLocal: false);
}
