namespace Kestrel.Rpc.Transport;

/// <summary>What a loop serves: each handle knows its own place, so a connection takes eight bytes here. Loop thread only.</summary>
internal sealed class LoopHandles
{
    private readonly List<ILoopHandle> _handles = [];

    public int Count => _handles.Count;

    public void Add(ILoopHandle handle)
    {
        handle.Place = _handles.Count;
        _handles.Add(handle);
    }

    /// <summary>Takes the handle out; one that is not in stays out.</summary>
    public void Remove(ILoopHandle handle)
    {
        int place = handle.Place;
        if (place >= _handles.Count || _handles[place] != handle)
        {
            return;
        }

        ILoopHandle last = _handles[^1];
        _handles[place] = last;
        last.Place = place;
        _handles.RemoveAt(_handles.Count - 1);
    }

    public ILoopHandle[] ToArray() => [.. _handles];
}
