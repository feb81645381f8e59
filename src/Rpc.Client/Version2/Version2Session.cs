using System.Buffers;
using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>Version 2: compact headers, cut messages, streams under credit, and frames of the connection itself.</summary>
internal sealed partial class Version2Session : RpcSession
{
    /// <summary>
    /// The longest piece of a message that is sent in one frame, in bytes. A server may accept longer ones; shorter ones hold up nobody.
    /// </summary>
    internal const int LongestPiece = RpcFrameRules.DefaultMaxFrameBodyLength;

    private readonly RpcSettings _settings;
    private readonly RpcMethodReferences _methods = new(); // of the writer
    private readonly ControlFrames _control;
    private readonly RpcFrameLimits _sendLimits;
    private readonly CallAdmission _admission;
    private readonly RpcEncodings _accepted;
    private readonly KeepAlive? _keepAlive;
    private volatile RpcSettings _peer = RpcSettings.Default;
    private volatile bool _isGoingAway;

    public Version2Session(ISessionOwner owner, PipeWriter output, RpcConnectionOptions options, uint lastCallId)
        : base(owner, output, options, lastCallId, keepsIds: true)
    {
        _settings = options.Settings;
        _control = new ControlFrames(Requests);
        Flow = new FlowControl(_settings, Requests, _control);
        _admission = new CallAdmission(Requests);
        Requests.Gate = _admission;
        _accepted = options.AcceptedEncodings;
        _keepAlive = options.KeepAliveInterval == Timeout.InfiniteTimeSpan ? null : new KeepAlive(options, _control.Ping, OnSilence);
        _sendLimits = new RpcFrameLimits { MaxProtocolDataLength = options.Limits.MaxProtocolDataLength, MaxBodyLength = LongestPiece };
        _rules = new RpcFrameRules(null, new RpcFrameLimits
        {
            MaxProtocolDataLength = options.Limits.MaxProtocolDataLength,
            MaxBodyLength = _settings.MaxFrameBodyLength,
        });
    }

    // A server is told of each call that was given up; there is no need to tell it with the end of the connection.
    public override bool HasUnansweredRequests => false;

    public FlowControl Flow { get; }

    /// <summary>The longest message, attachment included, in both directions.</summary>
    public int MaxMessageLength => _settings.MaxMessageLength;

    public override void Start()
    {
        if (_settings != RpcSettings.Default)
        {
            _control.Announce(_settings);
        }

        _keepAlive?.Start();
    }

    public override void Dispose()
    {
        _keepAlive?.Dispose();
        base.Dispose();
    }

    public override RpcException? Refuse(PendingCall call) =>
        _isGoingAway ? new RpcException(RpcStatusCode.Unavailable, $"{call.Method} was not sent: the server takes no new calls on this connection.")
        {
            IsNotProcessed = true,
        }
        : call.Method.Name.IsEmpty ? new RpcException(
            RpcStatusCode.InvalidArgument,
            $"'{call.Method}' cannot be called in version 2: a name has a slash, or is over {RpcMethodReference.MaxNameLength} bytes.")
        : null;

    public override void Serialize(PendingCall call, object request)
    {
        if (!call.IsStreamOfRequests)
        {
            call.RequestEncoding = Serialize(call, request, call.Options.Attachment.Span, call.Body).Encoding;
        }
    }

    /// <summary>Serialises a message with its attachment. Any thread.</summary>
    /// <exception cref="RpcException">It cannot be, or is too long. The buffer is as before.</exception>
    public OutgoingMessage Serialize(PendingCall call, object message, ReadOnlySpan<byte> attachment, MessageBuffer buffer)
    {
        int size = call.Measure(message);
        CheckLength((long)size + attachment.Length);
        int start = buffer.Length;
        RpcEncoding encoding = RpcEncoding.None;
        if (call.Options.Compression == RpcEncoding.None || size == 0)
        {
            call.WriteTo(message, buffer.GetSpan(size)[..size]);
            buffer.Advance(size);
        }
        else
        {
            encoding = WriteCompressed(call, message, size, buffer);
        }

        buffer.Write(attachment);
        return new OutgoingMessage(buffer.Length - start, attachment.Length, encoding);
    }

    public override int WriteRequest(PendingCall call, object? request, PipeWriter output)
    {
        if (call.IsStreamOfRequests)
        {
            return WriteWhole(call, null, 0, output);
        }

        int attachment = call.Options.Attachment.Length;
        if (request is not null)
        {
            int size = call.Measure(request);
            CheckLength((long)size + attachment);
            if (size + attachment <= LongestPiece && call.Options.Compression == RpcEncoding.None)
            {
                return WriteWhole(call, request, size + attachment, output);
            }

            Serialize(call, request);
        }

        return call.Body.Length <= LongestPiece ? WriteWhole(call, null, call.Body.Length, output) : WriteFirstPiece(call, output);
    }

    public override int WriteMore(PendingCall call, PipeWriter output, out bool goesOn)
    {
        goesOn = false;
        if (!call.HasDeparted)
        {
            return 0;
        }

        int written = call.Outgoing?.Write(call, output, out goesOn) ?? 0;
        if (!goesOn && call.IsOneWay && Calls.Remove(call))
        {
            call.OnSent();
        }

        return written;
    }

    public override void Forget(uint callId)
    {
        if (Calls.Forget(callId))
        {
            _admission.Leave();
        }
    }

    public override void OnEnded(PendingCall call)
    {
        if (call.HasFlow)
        {
            Flow.End(call);
        }

        if (call.TryDismiss() && !call.IsAbandoned)
        {
            _admission.Leave();
        }

        if (!call.IsAnswered && call.HasDeparted && !call.IsSent && Owner.CloseReason is null)
        {
            _control.Cancel(call.WireId, call.StatusCode);
        }

        if (_isGoingAway)
        {
            CloseIfDone();
        }
    }

    // None if it gets no shorter: then it was written as it is.
    private static RpcEncoding WriteCompressed(PendingCall call, object message, int size, MessageBuffer buffer)
    {
        RpcEncoding encoding = call.Options.Compression;
        if (!RpcCompression.IsSupported(encoding))
        {
            throw new RpcException(RpcStatusCode.Unimplemented, $"There is no encoding {encoding}.") { IsNotProcessed = true };
        }

        int start = buffer.Length;
        byte[] plain = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            call.WriteTo(message, plain.AsSpan(0, size));
            RpcCompression.Compress(encoding, new ReadOnlySequence<byte>(plain, 0, size), buffer);
            if (buffer.Length - start < size)
            {
                return encoding;
            }

            // From the copy: a codec is asked once to write what it has measured.
            buffer.Truncate(start);
            buffer.Write(plain.AsSpan(0, size));
            return RpcEncoding.None;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(plain);
        }
    }

    private void CheckLength(long length)
    {
        // Before the peer's settings have come it is the peer who judges.
        int limit = _hasPeerSettings ? Math.Min(MaxMessageLength, _peer.MaxMessageLength) : MaxMessageLength;
        if (length > limit)
        {
            throw new RpcException(RpcStatusCode.ResourceExhausted, $"A message of {length} bytes is over the limit of {limit}.")
            {
                IsNotProcessed = true,
            };
        }
    }

    private int WriteWhole(PendingCall call, object? request, int bodyLength, PipeWriter output)
    {
        RpcMethodReference method = _methods.For(call.Method);
        bool isPlain = !method.IsNamed && call is { IsStreamOfRequests: false, IsOneWay: false } && call.Options.IsPlain
            && !call.HasDeadline && _accepted == RpcEncodings.None;
        Span<byte> span;
        int start;
        if (isPlain)
        {
            span = output.GetSpan(RpcCallFrameWriter.MaxShortStart + bodyLength);
            start = RpcCallFrameWriter.WriteRequestStart(span, call.WireId, method.Index, bodyLength);
        }
        else
        {
            RpcCallHeader header = HeaderOf(call, call.IsStreamOfRequests ? RpcCallBits.NoMessage : RpcCallBits.End, messageLength: 0);
            span = output.GetSpan(RpcCallFrameWriter.GetMaxStartLength(method, header) + bodyLength);
            start = RpcCallFrameWriter.WriteStart(span, RpcFrameType.Request, call.WireId, method, header, bodyLength, _sendLimits);
        }

        Span<byte> body = span.Slice(start, bodyLength);
        if (request is null)
        {
            call.Body.Written.CopyTo(body);
        }
        else
        {
            ReadOnlySpan<byte> attachment = call.Options.Attachment.Span;
            call.WriteTo(request, body[..^attachment.Length]);
            attachment.CopyTo(body[^attachment.Length..]);
        }

        output.Advance(start + bodyLength);
        _methods.Defined(call.Method, method);
        return start + bodyLength;
    }

    private int WriteFirstPiece(PendingCall call, PipeWriter output)
    {
        RpcMethodReference method = _methods.For(call.Method);
        RpcCallHeader header = HeaderOf(call, RpcCallBits.More, call.Body.Length);
        Span<byte> span = output.GetSpan(RpcCallFrameWriter.GetMaxStartLength(method, header) + LongestPiece);
        int start = RpcCallFrameWriter.WriteStart(span, RpcFrameType.Request, call.WireId, method, header, LongestPiece, _sendLimits);
        call.Body.Written[..LongestPiece].CopyTo(span[start..]);
        output.Advance(start + LongestPiece);
        _methods.Defined(call.Method, method);
        call.Outgoing = new OutgoingMessages(Flow, call.Body, LongestPiece);
        return start + LongestPiece;
    }

    private RpcCallHeader HeaderOf(PendingCall call, RpcCallBits flags, int messageLength) => new()
    {
        Flags = flags | (call.RequestEncoding != RpcEncoding.None ? RpcCallBits.Compressed : RpcCallBits.None) | (call.IsOneWay ? RpcCallBits.OneWay : RpcCallBits.None),
        Timeout = call.HasDeadline ? call.TimeLeft(Clock) : null,
        Metadata = call.Options.Metadata,
        AttachmentLength = call.IsStreamOfRequests ? 0 : call.Options.Attachment.Length,
        MessageLength = messageLength,
        Encoding = call.RequestEncoding,
        AcceptedEncodings = call.IsOneWay ? RpcEncodings.None : _accepted,
    };
}
