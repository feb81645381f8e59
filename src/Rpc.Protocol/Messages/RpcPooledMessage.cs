using System.Buffers;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// A message in pooled memory, until it is disposed. Belongs to whoever received it; not thread-safe. Disposing twice does nothing.
/// </summary>
public sealed class RpcPooledMessage : IDisposable
{
    private readonly ArrayPool<byte> _pool;
    private readonly ReadOnlySequence<byte> _bytes;
    private readonly long _attachmentLength;
    private RpcMessageSegment? _first;

    internal RpcPooledMessage(ArrayPool<byte> pool, RpcMessageSegment? first, in ReadOnlySequence<byte> bytes, long attachmentLength, bool isCompressed)
    {
        _pool = pool;
        _first = first;
        _bytes = bytes;
        _attachmentLength = attachmentLength;
        IsCompressed = isCompressed;
    }

    /// <summary>Whether <see cref="Message"/> is compressed.</summary>
    public bool IsCompressed { get; }

    /// <summary>Bytes of message and attachment.</summary>
    public long Length => _bytes.Length;

    /// <summary>Message and attachment, one behind the other.</summary>
    public ReadOnlySequence<byte> Bytes => _bytes;

    /// <summary>The message without its attachment.</summary>
    public ReadOnlySequence<byte> Message => _bytes.Slice(0, _bytes.Length - _attachmentLength);

    /// <summary>The attachment.</summary>
    public ReadOnlySequence<byte> Attachment => _bytes.Slice(_bytes.Length - _attachmentLength);

    /// <summary>Gives the memory back. Neither message nor attachment may be used afterwards.</summary>
    public void Dispose()
    {
        RpcMessageSegment.Return(_pool, _first);
        _first = null;
    }
}
