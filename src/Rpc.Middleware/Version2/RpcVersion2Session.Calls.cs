using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>Frames of calls.</remarks>
internal sealed partial class RpcVersion2Session
{
    // What requests in pieces may take together, in longest messages.
    private const int LongestMessagesAtOnce = 4;

    private readonly RpcMethodTable<RpcNamedMethod> _methods = new();
    private readonly RpcActiveCalls _active = new();
    private readonly Dictionary<uint, RpcCall> _incoming = []; // under way, and something of the request is missing
    private readonly int _maxMessageLength;
    private readonly int _maxConcurrentCalls;
    private long _collected; // bytes that messages in pieces have or will have, until handlers get them; any thread
    private int _letIn; // calls that handlers may see; wraps
    private int _ended; // of those; by any thread

    private int UnderWay => unchecked(_letIn - Volatile.Read(ref _ended));

    /// <summary>Notes that a call which was let in has ended. Any thread.</summary>
    public void OnEnded() => Interlocked.Increment(ref _ended);

    private bool OnRequest(in RpcFrame frame)
    {
        if (TryStartShort(frame))
        {
            return true;
        }

        using RpcHeaderBytes bytes = new(frame.ProtocolData);
        RpcHeaderError error = RpcReceivedHeader.Read(frame.Header, bytes.Span, out RpcReceivedHeader header);
        if (error != RpcHeaderError.None || FindMethod(header.Method, out error) is not { } method)
        {
            return Refuse(error, frame);
        }

        uint id = frame.Header.SequenceId;
        if (_active.Find(id) is not null)
        {
            return Refuse(RpcGoAwayCode.ProtocolError, $"The call id {id} is in use.");
        }

        RpcCall call = _connection.StartCall(id);
        RpcVersion2Call state = call.Version2!;
        state.Start(id);
        if (FindFault(method, header, state) is { } fault)
        {
            Log.CallNotDispatched(Logger, ConnectionId, fault.Message);
            Fail(call, fault);
            return true;
        }

        LetIn(state);
        bool isPlain = header.AttachmentLength == 0; // what is compressed has a flag
        if (header.Flags == (RpcCallBits.End | RpcCallBits.OneWay) && isPlain)
        {
            // Nothing of it comes back, so its id is free already.
            _connection.Run(call, method.Route!, frame.Body);
            return true;
        }

        _active.Add(id, call);
        RpcEndpoint endpoint = method.Route!.Endpoint;
        if (endpoint.ReplyEncoding != RpcEncoding.None)
        {
            state.ReplyEncoding = RpcCompression.Choose(endpoint.ReplyEncoding, header.AcceptedEncodings);
        }

        if (endpoint.HasRequestStream)
        {
            return StartStream(call, state, method.Route, header, frame.Body);
        }

        if (header.Flags == RpcCallBits.End && isPlain)
        {
            _connection.Run(call, method.Route!, frame.Body);
            return true;
        }

        state.Route = method.Route;
        if (state.Timeout is not null)
        {
            // The read loop ends it then: nobody else may touch a call that is not whole.
            state.CancellationToken.UnsafeRegister(static connection => ((RpcServerConnection)connection!).WakeReading(), _connection);
        }

        return Collect(call, state, id, header, frame.Body);
    }

    private void LetIn(RpcVersion2Call state)
    {
        _letIn++;
        state.IsLetIn = true;
    }

    private RpcNamedMethod? FindMethod(scoped in RpcMethodReference reference, out RpcHeaderError error)
    {
        if (!reference.IsNamed)
        {
            RpcNamedMethod? known = _methods.Find(reference.Index);
            error = known is null ? RpcHeaderError.UnknownMethodIndex : RpcHeaderError.None;
            return known;
        }

        RpcRoute? route = _dispatch.Find(reference.Name, out RpcFault fault);
        RpcNamedMethod named = new(route, fault);
        error = _methods.Define(reference.Index, named);
        return error == RpcHeaderError.None ? named : null;
    }

    // What is wrong with a call as a whole; also takes its header over.
    private RpcFault? FindFault(RpcNamedMethod method, scoped in RpcReceivedHeader header, RpcVersion2Call state)
    {
        state.IsOneWay = (header.Flags & RpcCallBits.OneWay) != 0;
        state.Timeout = header.Timeout;
        if (method.Route is null)
        {
            return method.Fault;
        }

        RpcEndpoint endpoint = method.Route.Endpoint;
        if (state.IsOneWay && endpoint.Shape != RpcMethodShape.Unary)
        {
            return NotProcessed(RpcStatusCode.InvalidArgument, $"'{endpoint.Name}' has streams, and was called one way.");
        }

        if (_connection.IsDraining)
        {
            return NotProcessed(RpcStatusCode.Unavailable, "The server stops.");
        }

        if (UnderWay >= _maxConcurrentCalls)
        {
            return NotProcessed(RpcStatusCode.ResourceExhausted, "Too many calls are under way on this connection.");
        }

        if (header.Timeout <= TimeSpan.Zero)
        {
            return NotProcessed(RpcStatusCode.DeadlineExceeded, "The time for the call was over when it came.");
        }

        if (FindFaultOfMessage(header, 0, header.Encoding) is { } fault)
        {
            return fault;
        }

        RpcMetadataError error = header.ReadMetadata(RpcMetadataLimits.Default, out RpcMetadata metadata);
        if (error != RpcMetadataError.None)
        {
            RpcStatusCode code = error is RpcMetadataError.TooManyEntries or RpcMetadataError.TooLong
                ? RpcStatusCode.ResourceExhausted
                : RpcStatusCode.InvalidArgument;
            return NotProcessed(code, $"The metadata is refused: {error}.");
        }

        state.RequestMetadata = metadata;
        return null;
    }

    /// <summary>Judges a message when it begins, by the length it will have: many that begin small would grow without end.</summary>
    /// <param name="header">The header of its first frame.</param>
    /// <param name="bodyLength">Bytes of that frame.</param>
    /// <param name="encoding">The encoding that was named last.</param>
    public RpcFault? FindFaultOfMessage(scoped in RpcReceivedHeader header, long bodyLength, RpcEncoding encoding)
    {
        if ((header.Flags & RpcCallBits.Compressed) != 0 && !RpcCompression.IsSupported(encoding))
        {
            return RpcRequestDecoding.Unknown(encoding) with { IsNotProcessed = true };
        }

        long length = Math.Max(header.MessageLength, bodyLength);
        return length > _maxMessageLength || Volatile.Read(ref _collected) + length > (long)LongestMessagesAtOnce * _maxMessageLength
            ? NotProcessed(RpcStatusCode.ResourceExhausted, $"A message of {length} bytes is over the limit, or there are too many at once.")
            : null;
    }

    /// <summary>Counts a message that comes in pieces.</summary>
    public void StartCollecting(long length) => Interlocked.Add(ref _collected, length);

    /// <summary>Counts it no more. Any thread.</summary>
    public void StopCollecting(long length) => Interlocked.Add(ref _collected, -length);

    private static RpcFault NotProcessed(RpcStatusCode code, string message) => RpcFault.Of(code, message) with { IsNotProcessed = true };

    private bool OnData(in RpcFrame frame)
    {
        using RpcHeaderBytes bytes = new(frame.ProtocolData);
        RpcHeaderError error = RpcReceivedHeader.Read(frame.Header, bytes.Span, out RpcReceivedHeader header);
        if (error != RpcHeaderError.None)
        {
            return Refuse(error, frame);
        }

        long cost = (header.Flags & RpcCallBits.NoMessage) == 0 ? RpcCredit.CostOf((int)frame.Header.BodyLength) : 0;
        uint id = frame.Header.SequenceId;
        if (_active.Find(id)?.Version2!.Stream is { } stream)
        {
            return stream.TryReceive(header, frame.Body, cost, out RpcGoAwayCode code) || RefuseData(code);
        }

        // What is collected is bounded by the limits of messages, so all of it is given back at once.
        if (!RequestCredit.TryPass(cost))
        {
            return RefuseData(RpcGoAwayCode.FlowControlError);
        }

        if (!_incoming.TryGetValue(id, out RpcCall? call))
        {
            return true; // the call has ended, or never was
        }

        RpcVersion2Call state = call.Version2!;
        if (!state.TryReceive(cost, out int grant))
        {
            return RefuseData(RpcGoAwayCode.FlowControlError);
        }

        if ((header.Flags & RpcCallBits.End) == 0 && grant > 0)
        {
            SendCredit(id, grant);
        }

        return Collect(call, state, id, header, frame.Body);
    }

    private bool RefuseData(RpcGoAwayCode code) => Refuse(
        code, code == RpcGoAwayCode.FlowControlError ? "DATA beyond the credit of its call or of the connection." : "The pieces of a message do not fit together.");

    // The handler runs at once, and reads what has come and what comes.
    private bool StartStream(
        RpcCall call, RpcVersion2Call state, RpcRoute route, scoped in RpcReceivedHeader header, in ReadOnlySequence<byte> body)
    {
        RpcCallStream stream = state.OpenStream();
        if (!stream.TryReceive(header, body, cost: 0, out RpcGoAwayCode code))
        {
            call.Fault = RpcFault.Of(RpcStatusCode.InvalidArgument, "The pieces of a message do not fit together.");
            stream.OnHandlerEnded();
            return RefuseData(code);
        }

        _connection.Run(call, route, default);
        return true;
    }

    private bool Collect(RpcCall call, RpcVersion2Call state, uint id, scoped in RpcReceivedHeader header, in ReadOnlySequence<byte> body)
    {
        _incoming[id] = call;
        if (header.Encoding != RpcEncoding.None)
        {
            state.RequestEncoding = header.Encoding;
        }

        state.IsRequestOver |= (header.Flags & RpcCallBits.End) != 0;
        if ((header.Flags & RpcCallBits.NoMessage) == 0)
        {
            if (state.Message is not null)
            {
                EndCollecting(state, id);
                Fail(call, RpcFault.Of(RpcStatusCode.InvalidArgument, "The method takes one message."));
                return true;
            }

            state.Assembly ??= new RpcMessageAssembly(_maxMessageLength);
            if (!state.Assembly.IsUnderWay)
            {
                if (FindFaultOfMessage(header, body.Length, state.RequestEncoding) is { } fault)
                {
                    EndCollecting(state, id);
                    Fail(call, fault);
                    return true;
                }

                state.Collected = Math.Max(header.MessageLength, body.Length);
                StartCollecting(state.Collected);
            }

            RpcAssemblyResult result = state.Assembly.Add(header, body, out RpcPooledMessage? message);
            switch (result)
            {
                case RpcAssemblyResult.Mismatch:
                    return Refuse(RpcGoAwayCode.ProtocolError, "The pieces of a message do not fit together.");
                case RpcAssemblyResult.TooLong:
                    EndCollecting(state, id);
                    Fail(call, RpcFault.Of(RpcStatusCode.ResourceExhausted, "The message is over the limit."));
                    return true;
            }

            state.Message = message;
        }

        if (state.IsRequestOver && !(state.Assembly is { IsUnderWay: true }))
        {
            EndCollecting(state, id);
            Start(call, state);
        }

        return true;
    }

    private void Start(RpcCall call, RpcVersion2Call state)
    {
        if (state.Message is not { } message)
        {
            Fail(call, RpcFault.Of(RpcStatusCode.InvalidArgument, "The method takes a message, and there is none."));
            return;
        }

        state.Message = null;
        if (state.TimeLeft <= TimeSpan.Zero)
        {
            message.Dispose();
            Fail(call, NotProcessed(RpcStatusCode.DeadlineExceeded, "The time for the call was over when the whole request had come."));
            return;
        }

        // The attachment stays where it is until the call ends; the request holds copies.
        bool hasAttachment = message.Attachment.Length > 0;
        state.RequestWithAttachment = hasAttachment ? message : null;
        try
        {
            if (message.IsCompressed)
            {
                using RpcPooledMessage plain = RpcRequestDecoding.Decompress(state.RequestEncoding, message.Message, _maxMessageLength);
                _connection.Run(call, state.Route!, plain.Message);
            }
            else
            {
                _connection.Run(call, state.Route!, message.Message);
            }
        }
        catch (RpcException exception)
        {
            // Only of what is decompressed; whatever the handler throws stays in its call.
            Fail(call, RpcFault.Of(exception.StatusCode, exception.Message));
        }
        finally
        {
            if (!hasAttachment)
            {
                message.Dispose();
            }
        }
    }

    /// <summary>Ends the calls whose time has run out before their request was whole.</summary>
    public void EndLateCalls()
    {
        foreach ((uint id, RpcCall call) in _incoming)
        {
            if (call.Version2!.CancelledWith is { } code)
            {
                EndCollecting(call.Version2!, id);
                Fail(call, NotProcessed(code, "The call was over before its request was whole."));
            }
        }
    }

    private void EndCollecting(RpcVersion2Call state, uint id)
    {
        _incoming.Remove(id);
        StopCollecting(state.Collected);
        state.Collected = 0;
    }

    private bool OnCancel(in RpcFrame frame)
    {
        using RpcHeaderBytes bytes = new(frame.ProtocolData);
        RpcHeaderError error = RpcControlFrame.ReadCancel(bytes.Span, out RpcStatusCode code);
        if (error != RpcHeaderError.None)
        {
            return Refuse(error, frame);
        }

        uint id = frame.Header.SequenceId;
        if (_incoming.TryGetValue(id, out RpcCall? incoming))
        {
            EndCollecting(incoming.Version2!, id);
            Fail(incoming, RpcFault.Of(code == RpcStatusCode.Ok ? RpcStatusCode.Cancelled : code, "The call was cancelled by its caller."));
        }
        else
        {
            _active.Find(id)?.Version2!.Cancel(code == RpcStatusCode.Ok ? RpcStatusCode.Cancelled : code);
        }

        return true;
    }

    private void Fail(RpcCall call, RpcFault fault)
    {
        call.Fault = fault;
        _connection.Reply(call);
    }

    private void SendCredit(uint id, int bytes) =>
        _connection.SendControl(new RpcControlItem(output => RpcControlFrame.WriteCredit(output, id, bytes)));
}
