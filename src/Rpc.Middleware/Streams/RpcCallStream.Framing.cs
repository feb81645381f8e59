using System.Buffers;
using Google.Protobuf;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>How a reply of a stream becomes frames. Under the lock of the replies.</remarks>
internal sealed partial class RpcCallStream
{
    private bool _hasStarted;

    private void Append(IMessage message, ReadOnlySpan<byte> attachment)
    {
        int size = RpcMessageCodec.CalculateSize(message);
        if (size > _session.MaxReplyLength - attachment.Length)
        {
            throw new RpcException(
                RpcStatusCode.ResourceExhausted, $"A reply of {(long)size + attachment.Length} bytes is over the limit of {_session.MaxReplyLength}.");
        }

        if (!_hasStarted)
        {
            AppendHeaders();
        }

        if (attachment.IsEmpty && size <= _session.LongestPiece && (_state.ReplyEncoding == RpcEncoding.None || size == 0))
        {
            // DATA without flags and fields: its header is the 16 bytes alone.
            Span<byte> span = _filling.GetSpan(RpcFrameHeader.Size + size);
            RpcMessageCodec.Serialize(message, span.Slice(RpcFrameHeader.Size, size));
            new RpcFrameHeader(RpcFrameHeader.Version2, RpcFrameType.Data, _id, 0, (uint)size).Write(span);
            _filling.Advance(RpcFrameHeader.Size + size);
            _fillingCost += RpcFrameHeader.Size + size;
            return;
        }

        byte[] plain = ArrayPool<byte>.Shared.Rent(size + attachment.Length);
        try
        {
            RpcMessageCodec.Serialize(message, plain.AsSpan(0, size));
            AppendLong(plain, size, attachment);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(plain);
        }
    }

    // Once, ahead of the first message.
    private void AppendHeaders()
    {
        if (_state.ReplyMetadata is { Count: > 0 } metadata)
        {
            AppendFrame(RpcFrameType.Headers, new RpcCallHeader { Metadata = metadata }, default);
            _hasHeaders = true;
        }

        _hasStarted = true;
    }

    private void AppendLong(byte[] plain, int size, ReadOnlySpan<byte> attachment)
    {
        using RpcPooledMessage? compressed = Compress(plain, size, attachment);
        attachment.CopyTo(plain.AsSpan(size));
        AppendPieces(
            compressed?.Bytes ?? new ReadOnlySequence<byte>(plain, 0, size + attachment.Length),
            attachment.Length,
            compressed is null ? RpcEncoding.None : _state.ReplyEncoding);
    }

    // Null if it gets no shorter, or is not to be compressed.
    private RpcPooledMessage? Compress(byte[] plain, int size, ReadOnlySpan<byte> attachment)
    {
        if (_state.ReplyEncoding == RpcEncoding.None)
        {
            return null;
        }

        using RpcPooledWriter writer = new();
        RpcCompression.Compress(_state.ReplyEncoding, new ReadOnlySequence<byte>(plain, 0, size), writer);
        if (writer.Length >= size)
        {
            return null;
        }

        writer.Write(attachment);
        return writer.Detach(attachment.Length, isCompressed: true);
    }

    private void AppendPieces(in ReadOnlySequence<byte> message, int attachmentLength, RpcEncoding encoding)
    {
        RpcMessageCutter cutter = new(message, _session.LongestPiece);
        while (!cutter.IsDone)
        {
            bool isFirst = cutter.IsFirst;
            ReadOnlySequence<byte> piece = cutter.Take(cutter.NextLength, out bool isLast);
            RpcCallHeader header = new()
            {
                Flags = (isFirst && encoding != RpcEncoding.None ? RpcCallBits.Compressed : RpcCallBits.None) | (isLast ? RpcCallBits.None : RpcCallBits.More),
                Encoding = isFirst ? encoding : RpcEncoding.None,
                AttachmentLength = isFirst ? attachmentLength : 0,
                MessageLength = isFirst && !isLast ? message.Length : 0,
            };
            AppendFrame(RpcFrameType.Data, header, piece);
            _fillingCost += (int)RpcCredit.CostOf((int)piece.Length);
        }
    }

    private void AppendFrame(RpcFrameType type, in RpcCallHeader header, in ReadOnlySequence<byte> body)
    {
        int length = (int)body.Length;
        Span<byte> span = _filling.GetSpan(checked(RpcCallFrameWriter.GetMaxStartLength(default, header) + length));
        int start = RpcCallFrameWriter.WriteStart(span, type, _id, default, header, length, _session.PeerLimits);
        body.CopyTo(span[start..]);
        _filling.Advance(start + length);
    }
}
