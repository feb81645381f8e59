namespace Kestrel.Rpc.Benchmarks.Streaming;

/// <summary>Items that have arrived. Written by one thread at a time, read by any.</summary>
internal sealed class Counter
{
    private long _items;

    public long Items => Volatile.Read(ref _items);

    public void Add(int items) => Volatile.Write(ref _items, _items + items);
}
