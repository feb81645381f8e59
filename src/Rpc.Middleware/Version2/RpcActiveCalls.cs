namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The calls of a connection that are under way, by id. Of the read loop alone: other threads only end calls, which makes their entries
/// stale; a stale entry is as good as none and is used again. So starting and ending a call takes no lock.
/// </summary>
internal sealed class RpcActiveCalls
{
    private const int FirstCapacity = 16;

    // 64 KiB. Clients count up, so ids that are under way together hardly ever meet. What a client chooses to meet goes into the dictionary.
    private const int MaxCapacity = 4096;
    private const int MaxProbes = 8;
    private const int FirstPruning = 64;

    private Entry[] _entries = new Entry[FirstCapacity];
    private Dictionary<uint, RpcCall>? _others;
    private int _nextPruning = FirstPruning;

    /// <summary>How many entries there are or could be.</summary>
    internal int Capacity => _entries.Length + (_others?.Count ?? 0);

    /// <summary>Finds the call with an id.</summary>
    /// <returns>The call; null if none is under way with that id, which may change at any time to none.</returns>
    public RpcCall? Find(uint id)
    {
        for (uint probe = 0; probe < MaxProbes; probe++)
        {
            ref Entry entry = ref _entries[(id + probe) & (uint)(_entries.Length - 1)];
            if (entry.Id == id && entry.Call is { } call && call.IsUnderWay(id))
            {
                return call;
            }
        }

        return _others is not null && _others.TryGetValue(id, out RpcCall? other) && other.IsUnderWay(id) ? other : null;
    }

    /// <summary>Looks at each call that is under way, each of which may have ended meanwhile.</summary>
    public void ForEach(Action<RpcCall> look)
    {
        foreach (Entry entry in _entries)
        {
            if (entry.Call is { } call && call.IsUnderWay(entry.Id))
            {
                look(call);
            }
        }

        foreach ((uint id, RpcCall call) in _others ?? [])
        {
            if (call.IsUnderWay(id))
            {
                look(call);
            }
        }
    }

    /// <summary>Adds a call whose id is not in the table.</summary>
    public void Add(uint id, RpcCall call)
    {
        while (!TryAdd(_entries, id, call))
        {
            if (_entries.Length == MaxCapacity)
            {
                AddToOthers(id, call);
                return;
            }

            Grow();
        }
    }

    private void AddToOthers(uint id, RpcCall call)
    {
        _others ??= [];
        if (_others.Count >= _nextPruning)
        {
            foreach ((uint key, RpcCall other) in _others)
            {
                if (!other.IsUnderWay(key))
                {
                    _others.Remove(key);
                }
            }

            _nextPruning = Math.Max(FirstPruning, _others.Count * 2);
        }

        _others[id] = call;
    }

    private static bool TryAdd(Entry[] entries, uint id, RpcCall call)
    {
        for (uint probe = 0; probe < MaxProbes; probe++)
        {
            ref Entry entry = ref entries[(id + probe) & (uint)(entries.Length - 1)];
            if (entry.Call is not { } other || !other.IsUnderWay(entry.Id))
            {
                entry = new Entry(id, call);
                return true;
            }
        }

        return false;
    }

    private void Grow()
    {
        Entry[] smaller = _entries;
        _entries = new Entry[smaller.Length * 2];
        foreach (Entry entry in smaller)
        {
            if (entry.Call is { } call && call.IsUnderWay(entry.Id) && !TryAdd(_entries, entry.Id, call))
            {
                AddToOthers(entry.Id, call);
            }
        }
    }

    private readonly record struct Entry(uint Id, RpcCall? Call);
}
