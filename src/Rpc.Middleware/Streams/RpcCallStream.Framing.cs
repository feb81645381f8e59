using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>How a reply of a stream becomes frames. Under the lock of the replies, but for what says otherwise.</remarks>
internal sealed partial class RpcCallStream
{
    private bool _hasStarted;

    // Whether it fits a DATA without flags and fields, whose header is the 16 bytes alone.
    private bool IsShort(int size, ReadOnlySpan<byte> attachment) =>
        attachment.IsEmpty && size <= _session.LongestPiece && (_state.ReplyEncoding == RpcEncoding.None || size == 0);

    private void CheckLength(int size, ReadOnlySpan<byte> attachment)
    {
        if (size > _session.MaxReplyLength - attachment.Length)
        {
            throw new RpcException(
                RpcStatusCode.ResourceExhausted, $"A reply of {(long)size + attachment.Length} bytes is over the limit of {_session.MaxReplyLength}.");
        }
    }

    private void AppendShort(object message, int size)
    {
        Span<byte> span = _filling.GetSpan(RpcFrameHeader.Size + size);
        _format.Write(message, span.Slice(RpcFrameHeader.Size, size));
        new RpcFrameHeader(RpcFrameHeader.Version2, RpcFrameType.Data, _id, 0, (uint)size).Write(span);
        _filling.Advance(RpcFrameHeader.Size + size);
        _fillingCost += RpcFrameHeader.Size + size;
    }

    // The frames of a long message, or of a compressed one. Not under the lock: others wait for that, and this takes its time.
    private RpcByteBuffer Prepare(object message, int size, ReadOnlySpan<byte> attachment, out int cost)
    {
        RpcByteBuffer frames = new();
        byte[] plain = ArrayPool<byte>.Shared.Rent(size + attachment.Length);
        try
        {
            _format.Write(message, plain.AsSpan(0, size));
            using RpcPooledMessage? compressed = Compress(plain, size, attachment);
            attachment.CopyTo(plain.AsSpan(size));
            cost = AppendPieces(
                frames,
                compressed?.Bytes ?? new ReadOnlySequence<byte>(plain, 0, size + attachment.Length),
                attachment.Length,
                compressed is null ? RpcEncoding.None : _state.ReplyEncoding);
            return frames;
        }
        catch
        {
            frames.Clear();
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(plain);
        }
    }

    private void AppendPrepared(ref RpcByteBuffer frames, int cost)
    {
        if (_filling.Length == 0)
        {
            (_filling, frames) = (frames, _filling);
        }
        else
        {
            frames.Written.CopyTo(_filling.GetSpan(frames.Length));
            _filling.Advance(frames.Length);
        }

        _fillingCost += cost;
    }

    // Once, ahead of the first message.
    private void AppendHeaders()
    {
        if (_hasStarted)
        {
            return;
        }

        if (_state.ReplyMetadata is { Count: > 0 } metadata)
        {
            AppendFrame(_filling, RpcFrameType.Headers, new RpcCallHeader { Metadata = metadata }, default);
            _hasHeaders = true;
        }

        _hasStarted = true;
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

    private int AppendPieces(RpcByteBuffer frames, in ReadOnlySequence<byte> message, int attachmentLength, RpcEncoding encoding)
    {
        int cost = 0;
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
            AppendFrame(frames, RpcFrameType.Data, header, piece);
            cost += (int)RpcCredit.CostOf((int)piece.Length);
        }

        return cost;
    }

    private void AppendFrame(RpcByteBuffer frames, RpcFrameType type, in RpcCallHeader header, in ReadOnlySequence<byte> body)
    {
        int length = (int)body.Length;
        Span<byte> span = frames.GetSpan(checked(RpcCallFrameWriter.GetMaxStartLength(default, header) + length));
        int start = RpcCallFrameWriter.WriteStart(span, type, _id, default, header, length, _session.PeerLimits);
        body.CopyTo(span[start..]);
        frames.Advance(start + length);
    }
}
