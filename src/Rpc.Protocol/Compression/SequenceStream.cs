using System.Buffers;

namespace Kestrel.Rpc.Protocol;

/// <summary>A sequence as a stream to read from.</summary>
internal sealed class SequenceStream(ReadOnlySequence<byte> source) : Stream
{
    private ReadOnlySequence<byte> _rest = source;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int length = (int)Math.Min(buffer.Length, _rest.Length);
        _rest.Slice(0, length).CopyTo(buffer);
        _rest = _rest.Slice(length);
        return length;
    }

    public override void Flush()
    {
        // There is nothing to flush where nothing is written.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
