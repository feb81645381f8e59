using System.Buffers;

namespace Kestrel.Rpc.Middleware;

/// <summary>Bytes in one array that grows; the array goes back to its pool when they are no longer wanted. Not thread-safe.</summary>
internal sealed class RpcByteBuffer
{
    private const int Smallest = 1024;

    // What is taken at once, because the last time so much was needed.
    private const int LargestTakenAtOnce = 64 * 1024;

    private byte[] _array = []; // from ArrayPool.Shared, unless it is empty
    private int _usual = Smallest;

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _array.AsSpan(0, Length);

    /// <summary>Room behind what was written, of at least so many bytes.</summary>
    public Span<byte> GetSpan(int length)
    {
        if (_array.Length - Length < length)
        {
            Grow(length);
        }

        return _array.AsSpan(Length);
    }

    public void Advance(int count) => Length += count;

    /// <summary>A part of what was written, valid until <see cref="Clear"/> or the next <see cref="GetSpan"/>.</summary>
    public ReadOnlySequence<byte> Slice(int start, int length) => new(_array, start, length);

    /// <summary>Forgets what is behind the first bytes.</summary>
    public void Truncate(int length) => Length = length;

    /// <summary>Forgets all bytes.</summary>
    public void Clear()
    {
        if (_array.Length > 0)
        {
            _usual = Math.Clamp(Length, Smallest, LargestTakenAtOnce);
            ArrayPool<byte>.Shared.Return(_array);
            _array = [];
        }

        Length = 0;
    }

    private void Grow(int length)
    {
        int needed = checked(Length + length);
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, _array.Length == 0 ? _usual : (int)Math.Min(Array.MaxLength, _array.Length * 2L)));
        Written.CopyTo(larger);
        if (_array.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_array);
        }

        _array = larger;
    }
}
