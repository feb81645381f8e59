using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport;

/// <summary>Runs continuations on one loop's thread: at once when already there.</summary>
internal sealed class InlineScheduler(EventLoop loop) : PipeScheduler
{
    public override void Schedule(Action<object?> action, object? state)
    {
        if (loop.IsOnLoop)
        {
            action(state);
        }
        else
        {
            loop.Schedule(action, state);
        }
    }
}
