using System.Buffers;

namespace Kestrel.Rpc.Client;

/// <summary>Holds serialised messages between the caller and the connection. Keeps a small array for its next use.</summary>
/// <remarks>Not thread-safe: the caller fills it, then the writer of the connection owns it.</remarks>
internal sealed class MessageBuffer : IBufferWriter<byte>
{
    // Nearly every request fits the first; what is kept for ever by a pooled call stays below the second.
    private const int InitialSize = 256;
    private const int LargestKept = 4096;

    private byte[] _array = [];
    private bool _rented; // from ArrayPool.Shared
    private int _written;

    public int Length => _written;

    public Span<byte> Written => _array.AsSpan(0, _written);

    public ReadOnlyMemory<byte> WrittenMemory => _array.AsMemory(0, _written);

    /// <summary>Forgets what is behind the first bytes.</summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)_written, nameof(length));
        _written = length;
    }

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_array.Length - _written), nameof(count));
        _written += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _array.AsMemory(_written);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _array.AsSpan(_written);
    }

    /// <summary>Forgets what it holds; a large array goes back to its pool.</summary>
    public void Clear()
    {
        _written = 0;
        if (_rented)
        {
            ArrayPool<byte>.Shared.Return(_array);
            _array = [];
            _rented = false;
        }
    }

    private void Reserve(int sizeHint)
    {
        int needed = _written + Math.Max(sizeHint, 1);
        if (needed <= _array.Length)
        {
            return;
        }

        bool rent = needed > LargestKept;
        byte[] larger = rent
            ? ArrayPool<byte>.Shared.Rent(needed)
            : new byte[Math.Max(InitialSize, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)needed))];
        Written.CopyTo(larger);
        if (_rented)
        {
            ArrayPool<byte>.Shared.Return(_array);
        }

        _array = larger;
        _rented = rent;
    }
}
