using System.Buffers;
using System.IO.Pipelines;
using Google.Protobuf;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>The reply on its way out. All of it runs in the writer's role, but for what says otherwise.</remarks>
internal sealed partial class RpcVersion2Call
{
    private byte[]? _cut; // a reply that is longer than a frame, serialised; from ArrayPool.Shared
    private RpcMessageCutter _cutter;
    private RpcPooledMessage? _compressed; // the reply, made by whoever ended the call
    private bool _isWakeable;
    private int _reserved; // bytes of it, as RpcReplyCredit counts them

    /// <summary>Guarded by the lock of <see cref="RpcReplyCredit"/>, as the next six.</summary>
    public RpcSendCredit Credit;

    public bool HasCredit { get; set; }

    public int EarlyCredit { get; set; }

    /// <summary>Its place among those that wait; in no list while it does not.</summary>
    public LinkedListNode<RpcVersion2Call> Place => field ??= new(this);

    /// <summary>What it waits for, in bytes.</summary>
    public long Needed { get; set; }

    /// <summary>Since when it waits, as a timestamp; 0 until somebody has looked.</summary>
    public long WaitsSince { get; set; }

    /// <summary>Its caller takes nothing of the reply: it is not waited for any longer.</summary>
    public bool IsUnwanted { get; set; }

    /// <summary>Whether replies are a stream.</summary>
    public bool HasReplyStream => call.Endpoint.HasReplyStream;

    private RpcEncoding SentEncoding => _compressed is null ? RpcEncoding.None : ReplyEncoding;

    private RpcCallBits CompressedBit => _compressed is null ? RpcCallBits.None : RpcCallBits.Compressed;

    // In a RESPONSE only if it did not go ahead.
    private RpcMetadata? Metadata => Stream is { HasSentHeaders: true } ? null : ReplyMetadata;

    /// <summary>Writes the reply, a piece of it, or the error in its place. Never leaves half a frame.</summary>
    /// <param name="output">Where it goes.</param>
    /// <param name="isDone">False if the call will be written again, which the queue knows.</param>
    /// <returns>Bytes written.</returns>
    public int WriteReply(PipeWriter output, out bool isDone)
    {
        isDone = true;
        if (IsOneWay)
        {
            return 0;
        }

        if (Stream is not { } stream)
        {
            return WriteResponse(output, out isDone);
        }

        int written;
        try
        {
            if (!stream.TryWriteAll(output, out written))
            {
                isDone = false;
                return written;
            }
        }
        catch
        {
            // The output is broken. Its handler may run on, and the call with it.
            isDone = stream.OnDiscarded();
            throw;
        }

        return written + WriteResponse(output, out isDone);
    }

    private int WriteResponse(PipeWriter output, out bool isDone)
    {
        isDone = true;
        if (call.Fault is null)
        {
            try
            {
                return _cut is null ? WriteMessage(output, out isDone) : WritePiece(output, out isDone);
            }
            catch (RpcException exception)
            {
                // Over a limit, or changed by someone while it was written. The frame was not begun.
                isDone = true;
                if (CancelledWith is null && !IsUnwanted)
                {
                    Log.ReplyNotWritten(session.Logger, call.Name, session.ConnectionId, exception);
                }
                else
                {
                    Log.CallCancelled(session.Logger, call.Name, session.ConnectionId, exception);
                }

                call.Fault = RpcFault.Of(exception.StatusCode, "The reply could not be written.", call.Name);
            }
        }

        return WriteFault(output, call.Fault!.Value);
    }

    private int WriteMessage(PipeWriter output, out bool isDone)
    {
        isDone = true;
        if (call.Reply is not { } reply)
        {
            // Of a stream: everything was in DATA frames.
            return Write(output, RpcFrameType.Response, new RpcCallHeader { Flags = RpcCallBits.NoMessage, Metadata = Metadata, Trailers = ReplyTrailers }, default);
        }

        long total = (_compressed?.Length ?? call.ReplyFormat.Measure(reply)) + ReplyAttachment.Length;
        if (total > session.MaxReplyLength)
        {
            throw new RpcException(RpcStatusCode.ResourceExhausted, $"A reply of {total} bytes is over the limit of {session.MaxReplyLength}.");
        }

        int length = (int)total;

        if (length > session.PeerLimits.MaxBodyLength)
        {
            if (!_isWakeable)
            {
                // Whatever cancels the call ends its waiting, the time limit too.
                _isWakeable = true;
                CancellationToken.UnsafeRegister(static call => ((RpcVersion2Call)call!).OnReplyCancelled(), this);
            }

            if (CancelledWith is { } cancelled)
            {
                throw new RpcException(cancelled, "The call was cancelled before its reply was sent.");
            }

            ThrowIfUnwanted();
            if (!session.Credit.TryReserve(this, length))
            {
                isDone = false;
                session.Replies.Postpone();
                return 0;
            }

            _reserved = length;
            _cut = ArrayPool<byte>.Shared.Rent(length);
            WriteBody(reply, _cut.AsSpan(0, length));
            _cutter = new RpcMessageCutter(new ReadOnlySequence<byte>(_cut, 0, length), session.PeerLimits.MaxBodyLength);
            session.Credit.Begin(this);
            return WritePiece(output, out isDone);
        }

        if (Metadata is not null || ReplyTrailers is not null || _compressed is not null || ReplyAttachment.Length > 0)
        {
            RpcCallHeader header = new()
            {
                Flags = CompressedBit,
                Encoding = SentEncoding,
                AttachmentLength = ReplyAttachment.Length,
                Metadata = Metadata,
                Trailers = ReplyTrailers,
            };
            Span<byte> whole = output.GetSpan(checked(RpcCallFrameWriter.GetMaxStartLength(default, header) + length));
            int headerEnd = RpcCallFrameWriter.WriteStart(whole, RpcFrameType.Response, _id, default, header, length, session.PeerLimits);
            WriteBody(reply, whole.Slice(headerEnd, length));
            output.Advance(headerEnd + length);
            return headerEnd + length;
        }

        Span<byte> span = output.GetSpan(RpcCallFrameWriter.MaxShortStart + length);
        int start = RpcCallFrameWriter.WriteResponseStart(span, _id, length);
        call.ReplyFormat.Write(reply, span.Slice(start, length));
        output.Advance(start + length);
        return start + length;
    }

    private void WriteBody(object reply, Span<byte> destination)
    {
        int attachment = (int)ReplyAttachment.Length;
        if (_compressed is { } compressed)
        {
            compressed.Bytes.CopyTo(destination);
        }
        else
        {
            call.ReplyFormat.Write(reply, destination[..^attachment]);
        }

        try
        {
            ReplyAttachment.CopyTo(destination[^attachment..]);
        }
        catch (Exception exception)
        {
            // Memory of the application, which may be gone.
            throw new RpcException(RpcStatusCode.Internal, "The attachment of the reply cannot be read.", exception);
        }
    }

    private void OnReplyCancelled() => session.Credit.Wake(this);

    private int WritePiece(PipeWriter output, out bool isDone)
    {
        if (CancelledWith is { } cancelled)
        {
            throw new RpcException(cancelled, "The call was cancelled while its reply was sent.");
        }

        ThrowIfUnwanted();
        if (!_cutter.IsFirst && _cutter.Remaining <= session.PeerLimits.MaxBodyLength)
        {
            isDone = true;
            ReadOnlySequence<byte> last = _cutter.Take(_cutter.NextLength, out _);
            return Write(output, RpcFrameType.Response, new RpcCallHeader { Metadata = Metadata, Trailers = ReplyTrailers }, last);
        }

        isDone = false;
        if (!session.Credit.TryTake(this, _cutter.NextLength, out int granted))
        {
            if (granted < 0)
            {
                // Nothing is waited for either if the call was cancelled a moment ago.
                throw CancelledWith is { } meanwhile
                    ? new RpcException(meanwhile, "The call was cancelled while its reply was sent.")
                    : new RpcException(RpcStatusCode.Unavailable, "The peer has stopped sending and cannot grant more of the reply.");
            }

            // From here on another thread may send it again.
            session.Replies.Postpone();
            return 0;
        }

        RpcCallHeader header = !_cutter.IsFirst ? new() { Flags = RpcCallBits.More } : new()
        {
            Flags = RpcCallBits.More | CompressedBit,
            MessageLength = _cutter.Length,
            Encoding = SentEncoding,
            AttachmentLength = ReplyAttachment.Length,
        };
        int written = Write(output, RpcFrameType.Data, header, _cutter.Take(granted, out _));
        session.Replies.WriteAgain(call);
        return written;
    }

    private void ThrowIfUnwanted()
    {
        if (IsUnwanted)
        {
            throw new RpcException(RpcStatusCode.DeadlineExceeded, "The caller has granted nothing for its reply for too long.");
        }
    }

    private int Write(PipeWriter output, RpcFrameType type, in RpcCallHeader header, in ReadOnlySequence<byte> body) =>
        RpcCallFrameWriter.Write(output, type, _id, default, header, body, session.PeerLimits);

    private int WriteFault(PipeWriter output, in RpcFault fault)
    {
        RpcCallHeader header = new()
        {
            Flags = RpcCallBits.NoMessage | (fault.IsNotProcessed ? RpcCallBits.NotProcessed : RpcCallBits.None),
            Status = fault.Status,
            Metadata = Metadata,
            Trailers = fault.Trailers is { Count: > 0 } ? fault.Trailers : ReplyTrailers,
        };
        try
        {
            return Write(output, RpcFrameType.Response, header, default);
        }
        catch (RpcException exception)
        {
            // The handler gave more metadata or details than a frame takes: the error itself must reach the caller.
            Log.ReplyNotWritten(session.Logger, call.Name, session.ConnectionId, exception);
            header = new RpcCallHeader { Flags = header.Flags, Status = new RpcStatus(fault.Status.Code, fault.Status.Message) };
            return Write(output, RpcFrameType.Response, header, default);
        }
    }

    /// <summary>Compresses the reply, if that makes it shorter. Not in the writer's role: it takes its time.</summary>
    /// <exception cref="RpcException">The reply cannot be serialised.</exception>
    public void CompressReply(object reply)
    {
        int size = call.ReplyFormat.Measure(reply);
        if (size == 0 || size > session.MaxReplyLength)
        {
            return;
        }

        byte[] plain = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            using RpcPooledWriter writer = new();
            call.ReplyFormat.Write(reply, plain.AsSpan(0, size));
            RpcCompression.Compress(ReplyEncoding, new ReadOnlySequence<byte>(plain, 0, size), writer);
            _compressed = writer.Length < size ? writer.Detach(isCompressed: true) : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(plain);
        }
    }

    private void DropReply()
    {
        bool mayHaveWaited = _isWakeable || Stream is not null;
        _isWakeable = false;
        _compressed?.Dispose();
        _compressed = null;
        if (_cut is not null)
        {
            ArrayPool<byte>.Shared.Return(_cut);
            _cut = null;
            _cutter = default;
            session.Credit.Release(_reserved);
            _reserved = 0;
        }
        else if (mayHaveWaited)
        {
            session.Credit.WakeNext();
        }
    }
}
