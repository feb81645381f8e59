using System.Buffers;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// A frame header in one piece, as the readers of headers want it. If it lies in one segment, as nearly always, that is a span over it;
/// otherwise it is gathered in pooled memory until <see cref="Dispose"/>.
/// </summary>
public ref struct RpcHeaderBytes
{
    private byte[]? _rented;

    /// <summary>Takes the bytes of a sequence.</summary>
    /// <param name="source">The frame header. Its length is bounded by the limits it was read under.</param>
    public RpcHeaderBytes(in ReadOnlySequence<byte> source)
    {
        if (source.IsSingleSegment)
        {
            Span = source.FirstSpan;
            return;
        }

        int length = checked((int)source.Length);
        _rented = ArrayPool<byte>.Shared.Rent(length);
        source.CopyTo(_rented);
        Span = _rented.AsSpan(0, length);
    }

    /// <summary>The bytes, until <see cref="Dispose"/>.</summary>
    public ReadOnlySpan<byte> Span { get; private set; }

    /// <summary>Gives the memory back. Nothing that was read out of it may be used afterwards.</summary>
    public void Dispose()
    {
        Span = default;
        if (_rented is { } rented)
        {
            _rented = null;
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
