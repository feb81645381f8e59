using System.Diagnostics.CodeAnalysis;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>The calls that wait for a reply, by sequence id. Thread-safe: one lock, held for a few instructions.</summary>
internal sealed class PendingCallTable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<uint, PendingCall> _calls = [];
    private readonly int _capacity;
    private bool _closed;

    /// <summary>Makes an empty table.</summary>
    /// <param name="capacity">How many calls it takes.</param>
    /// <param name="lastId">The id before the first one given out.</param>
    public PendingCallTable(int capacity, uint lastId = 0)
    {
        _capacity = capacity;
        LastId = lastId;
    }

    /// <summary>The id given out last. Tests set it, to go once around without four billion calls.</summary>
    internal uint LastId { get; set; }

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _calls.Count;
            }
        }
    }

    /// <summary>Takes a call in and gives it an id.</summary>
    public PendingCallTableResult Add(PendingCall call)
    {
        lock (_lock)
        {
            if (_closed)
            {
                return PendingCallTableResult.Closed;
            }

            if (_calls.Count >= _capacity)
            {
                return PendingCallTableResult.Full;
            }

            // The counter wraps; an id that an old call still holds is skipped. 0 is left to replies that answer no call.
            do
            {
                LastId++;
            }
            while (LastId == 0 || !_calls.TryAdd(LastId, call));

            call.SequenceId = LastId;
            call.Identify(LastId);
            return PendingCallTableResult.Added;
        }
    }

    /// <summary>Takes out the call a reply belongs to.</summary>
    public bool TryRemove(uint sequenceId, [NotNullWhen(true)] out PendingCall? call)
    {
        lock (_lock)
        {
            if (!_calls.Remove(sequenceId, out call))
            {
                return false;
            }

            call.SequenceId = 0;
            return true;
        }
    }

    /// <summary>Takes out a call; false if somebody else did so before.</summary>
    public bool Remove(PendingCall call)
    {
        lock (_lock)
        {
            // 0 is never in the table.
            bool removed = _calls.Remove(call.SequenceId);
            call.SequenceId = 0;
            return removed;
        }
    }

    /// <summary>Takes out all calls; none comes in any more.</summary>
    public PendingCall[] Close()
    {
        lock (_lock)
        {
            _closed = true;
            PendingCall[] calls = [.. _calls.Values];
            _calls.Clear();
            foreach (PendingCall call in calls)
            {
                call.SequenceId = 0;
            }

            return calls;
        }
    }
}
