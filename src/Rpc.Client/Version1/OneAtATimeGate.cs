namespace Kestrel.Rpc.Client;

/// <summary>Lets a request leave only when the call before it has ended, in the order they came. Any thread.</summary>
internal sealed class OneAtATimeGate(RequestQueue requests) : ICallGate
{
    private readonly Lock _lock = new();
    private readonly Queue<PendingCall> _waiting = new();
    private PendingCall? _current; // under the lock

    /// <summary>Each waits, were it only for nothing.</summary>
    public bool TryPass(PendingCall call) => false;

    public void Wait(PendingCall call)
    {
        lock (_lock)
        {
            if (_current is not null)
            {
                _waiting.Enqueue(call);
                return;
            }

            _current = call;
        }

        Pass(call);
    }

    /// <summary>The call has ended, whether it is the one that left, waits, or was never here.</summary>
    public void Leave(PendingCall call)
    {
        if (TryGetNext(call) is { } next)
        {
            Pass(next);
        }
    }

    // A call that ended before it was the current one has told nobody: it is skipped here.
    private void Pass(PendingCall call)
    {
        PendingCall? next = call;
        while (next is { IsCompleted: true } ended)
        {
            next = TryGetNext(ended);
            requests.Skip(ended);
        }

        if (next is not null)
        {
            requests.Leave(next);
        }
    }

    private PendingCall? TryGetNext(PendingCall ended)
    {
        lock (_lock)
        {
            if (_current != ended)
            {
                return null;
            }

            _current = _waiting.TryDequeue(out PendingCall? next) ? next : null;
            return _current;
        }
    }
}
