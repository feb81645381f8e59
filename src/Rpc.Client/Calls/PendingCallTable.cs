using System.Diagnostics.CodeAnalysis;

namespace Kestrel.Rpc.Client;

/// <summary>The calls that wait for a reply, by sequence id. Thread-safe: one lock, held for a few instructions.</summary>
internal sealed class PendingCallTable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<uint, PendingCall> _calls = [];
    private readonly HashSet<uint>? _abandoned; // ids that the peer has not done with, though their calls have ended here
    private readonly int _capacity;
    private bool _closed;

    /// <summary>Makes an empty table.</summary>
    /// <param name="capacity">How many calls it takes.</param>
    /// <param name="lastId">The id before the first one given out.</param>
    /// <param name="keepsIds">
    /// Whether the id of a call that ended here stays taken until <see cref="Forget"/>, as version 2 wants it; such ids count as calls.
    /// </param>
    public PendingCallTable(int capacity, uint lastId = 0, bool keepsIds = false)
    {
        _capacity = capacity;
        _abandoned = keepsIds ? [] : null;
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

    /// <summary>Ids that the peer has not done with, though their calls have ended here.</summary>
    public int Abandoned
    {
        get
        {
            lock (_lock)
            {
                return _abandoned?.Count ?? 0;
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

            if (_calls.Count + (_abandoned?.Count ?? 0) >= _capacity)
            {
                return PendingCallTableResult.Full;
            }

            // The counter wraps; an id that an old call still holds is skipped. 0 is left to replies that answer no call.
            do
            {
                LastId++;
            }
            while (LastId == 0 || _abandoned?.Contains(LastId) == true || !_calls.TryAdd(LastId, call));

            call.SequenceId = LastId;
            call.Identify(LastId);
            return PendingCallTableResult.Added;
        }
    }

    /// <summary>Takes out the call a reply belongs to, whose id is free then.</summary>
    public bool TryRemove(uint sequenceId, [NotNullWhen(true)] out PendingCall? call)
    {
        lock (_lock)
        {
            if (!_calls.Remove(sequenceId, out call))
            {
                return false;
            }

            call.SequenceId = 0;
            call.TryDrop(); // a peer may answer what it was never asked
            return true;
        }
    }

    /// <summary>Finds a call and holds it for the caller, who releases it.</summary>
    public bool TryHold(uint sequenceId, [NotNullWhen(true)] out PendingCall? call)
    {
        lock (_lock)
        {
            if (!_calls.TryGetValue(sequenceId, out call))
            {
                return false;
            }

            call.Hold();
            return true;
        }
    }

    /// <summary>Takes out a call that ends on this side; false if somebody else did so before.</summary>
    public bool Remove(PendingCall call)
    {
        lock (_lock)
        {
            return RemoveLocked(call);
        }
    }

    /// <summary>Takes out a call whose time is over. Safe with a call that has become another one meanwhile.</summary>
    public bool RemoveIfDue(PendingCall call, TimeProvider clock)
    {
        lock (_lock)
        {
            return call.IsDue(clock) && RemoveLocked(call);
        }
    }

    /// <summary>Notes that the peer has done with an id, or has never heard of it.</summary>
    /// <returns>Whether it was taken by a call that ended here.</returns>
    public bool Forget(uint sequenceId)
    {
        if (_abandoned is null)
        {
            return false;
        }

        lock (_lock)
        {
            return _abandoned.Remove(sequenceId);
        }
    }

    /// <summary>All calls at this moment, each held for the caller, who releases them.</summary>
    public PendingCall[] HoldAll()
    {
        lock (_lock)
        {
            PendingCall[] calls = [.. _calls.Values];
            foreach (PendingCall call in calls)
            {
                call.Hold();
            }

            return calls;
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
                call.TryDrop();
            }

            return calls;
        }
    }

    private bool RemoveLocked(PendingCall call)
    {
        // 0 is never in the table.
        if (!_calls.TryGetValue(call.SequenceId, out PendingCall? found) || found != call)
        {
            return false;
        }

        _calls.Remove(call.SequenceId);
        if (!call.TryDrop() && !call.IsOneWay && _abandoned is not null)
        {
            _abandoned.Add(call.SequenceId);
            call.IsAbandoned = true;
        }

        call.SequenceId = 0;
        return true;
    }
}
