using System.Buffers;

namespace Kestrel.Rpc.Client;

/// <summary>A call without a reply: it ends when its request was written.</summary>
internal sealed class OneWayCall : PendingCall
{
    private readonly TaskCompletionSource _sent = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Task => _sent.Task;

    public override bool IsOneWay => true;

    public override bool NeedsVersion2 => true;

    protected override void OnMessage(in ReadOnlySequence<byte> message, in ReadOnlySequence<byte> attachment, long cost)
    {
        // A server does not answer such a call. If it does, that is as good as its having been sent.
    }

    protected override void SetResult()
    {
        StopTimer();
        if (IsCancelled)
        {
            _sent.TrySetCanceled(Options.Cause);
        }
        else if (Failure is not null)
        {
            _sent.TrySetException(Failure);
        }
        else
        {
            _sent.TrySetResult();
        }

        Release();
    }

    protected override void ReturnToPool()
    {
        // Used once: its task may be awaited for ever.
    }
}
