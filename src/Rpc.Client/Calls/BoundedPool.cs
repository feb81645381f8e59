using System.Collections.Concurrent;

namespace Kestrel.Rpc.Client;

/// <summary>Keeps up to a number of objects for their next use. Thread-safe.</summary>
internal sealed class BoundedPool<T>(int capacity)
    where T : class
{
    private readonly ConcurrentQueue<T> _items = new();
    private int _count;

    public T? TryTake()
    {
        if (!_items.TryDequeue(out T? item))
        {
            return null;
        }

        Interlocked.Decrement(ref _count);
        return item;
    }

    /// <summary>Keeps the object, unless enough are kept already.</summary>
    public void TryAdd(T item)
    {
        if (Interlocked.Increment(ref _count) > capacity)
        {
            Interlocked.Decrement(ref _count);
            return;
        }

        _items.Enqueue(item);
    }
}
