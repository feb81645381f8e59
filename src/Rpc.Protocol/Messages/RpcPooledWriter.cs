using System.Buffers;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// A buffer writer over pooled memory whose bytes become an <see cref="RpcPooledMessage"/>: for messages that are compressed, decompressed or cut.
/// Grows by segments, so nothing is copied. Not thread-safe. Dispose it; what was detached stays.
/// </summary>
public sealed class RpcPooledWriter : IBufferWriter<byte>, IDisposable
{
    private const int SmallestSegment = 4 * 1024;
    private const int LargestSegment = 1024 * 1024;

    private readonly ArrayPool<byte> _pool;
    private RpcMessageSegment? _first;
    private RpcMessageSegment? _last;

    /// <summary>Makes an empty one.</summary>
    public RpcPooledWriter()
        : this(ArrayPool<byte>.Shared)
    {
    }

    internal RpcPooledWriter(ArrayPool<byte> pool) => _pool = pool;

    /// <summary>Bytes written.</summary>
    public long Length { get; private set; }

    /// <inheritdoc/>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count > (_last?.Room ?? 0))
        {
            throw new InvalidOperationException("More bytes than there was room for.");
        }

        _last?.Advance(count);
        Length += count;
    }

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        if (_last is null || _last.Room < Math.Max(sizeHint, 1))
        {
            int size = Math.Max(sizeHint, (int)Math.Clamp(Length, SmallestSegment, LargestSegment));
            _last = new RpcMessageSegment(_pool.Rent(size), _last);
            _first ??= _last;
        }

        return _last.Free;
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>Makes a message of all that was written; the writer is empty then.</summary>
    /// <param name="attachmentLength">Bytes at the end that are its attachment.</param>
    /// <param name="isCompressed">Whether the message is compressed.</param>
    /// <returns>The message. To be disposed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The attachment is longer than what was written.</exception>
    public RpcPooledMessage Detach(long attachmentLength = 0, bool isCompressed = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(attachmentLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(attachmentLength, Length);
        ReadOnlySequence<byte> bytes = _first is null ? default : new(_first, 0, _last!, _last!.Length);
        RpcPooledMessage message = new(_pool, _first, bytes, attachmentLength, isCompressed);
        Forget();
        return message;
    }

    /// <summary>Drops what was written and gives its memory back; the writer may be used again.</summary>
    public void Dispose()
    {
        RpcMessageSegment.Return(_pool, _first);
        Forget();
    }

    private void Forget()
    {
        _first = _last = null;
        Length = 0;
    }
}
