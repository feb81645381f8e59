using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Requests of a stream that have come, as bytes. Filled by one side, then read by the other. Not thread-safe.</summary>
internal sealed class RpcRequestBatch
{
    private const int Kept = 64; // entries of an idle stream

    private readonly RpcByteBuffer _bytes = new();
    private Entry[] _entries = new Entry[4];
    private int _next;
    private int _offset; // of the current one's bytes
    private int _nextOffset;

    /// <summary>How many there are, read or not.</summary>
    public int Count { get; private set; }

    /// <summary>The one that <see cref="TryMoveNext"/> has come to.</summary>
    public ref readonly Entry Current => ref _entries[_next - 1];

    /// <summary>Its bytes, the attachment last.</summary>
    public ReadOnlySequence<byte> CurrentBytes => Current.Message?.Bytes ?? (Current.Length == 0 ? default : _bytes.Slice(_offset, Current.Length));

    /// <param name="entry">The message.</param>
    /// <param name="body">Its bytes, unless they are in pooled memory of their own.</param>
    public void Add(in Entry entry, in ReadOnlySequence<byte> body)
    {
        if (Count == _entries.Length)
        {
            Grow();
        }

        _entries[Count++] = entry;
        if (entry.Message is null)
        {
            body.CopyTo(_bytes.GetSpan(entry.Length));
            _bytes.Advance(entry.Length);
        }
    }

    /// <summary>Goes on to the next one; the memory of the one before goes back.</summary>
    public bool TryMoveNext()
    {
        if (_next > 0)
        {
            Current.Message?.Dispose();
        }

        if (_next == Count)
        {
            return false;
        }

        _offset = _nextOffset;
        ref readonly Entry entry = ref _entries[_next++];
        _nextOffset += entry.Message is null ? entry.Length : 0;
        return true;
    }

    /// <summary>Forgets all of them.</summary>
    public void Clear()
    {
        for (int i = Math.Max(0, _next - 1); i < Count; i++)
        {
            _entries[i].Message?.Dispose();
        }

        _bytes.Clear();
        if (_entries.Length > Kept)
        {
            ArrayPool<Entry>.Shared.Return(_entries, clearArray: true);
            _entries = new Entry[4];
        }
        else
        {
            Array.Clear(_entries, 0, Count);
        }

        Count = _next = _offset = _nextOffset = 0;
    }

    private void Grow()
    {
        int length = Count * 2;
        Entry[] larger = length > Kept ? ArrayPool<Entry>.Shared.Rent(length) : new Entry[length];
        _entries.AsSpan().CopyTo(larger);
        if (_entries.Length > Kept)
        {
            ArrayPool<Entry>.Shared.Return(_entries, clearArray: true);
        }

        _entries = larger;
    }

    /// <summary>A request that waits.</summary>
    /// <param name="Message">Its memory, if it came in pieces.</param>
    /// <param name="Length">Its bytes, attachment included.</param>
    /// <param name="AttachmentLength">Those of them that are its attachment.</param>
    /// <param name="Encoding">How it is compressed, if it is.</param>
    /// <param name="Cost">The credit that it holds.</param>
    /// <param name="Collected">What it counts among the messages in pieces of its connection.</param>
    internal readonly record struct Entry(RpcPooledMessage? Message, int Length, int AttachmentLength, RpcEncoding Encoding, long Cost, long Collected);
}
