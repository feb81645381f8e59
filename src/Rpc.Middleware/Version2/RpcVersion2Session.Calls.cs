using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>Frames of calls.</remarks>
internal sealed partial class RpcVersion2Session
{
    private readonly RpcMethodTable<RpcNamedMethod> _methods = new();
    private readonly RpcActiveCalls _active = new();
    private readonly int _maxConcurrentCalls;
    private int _letIn; // calls that handlers may see; wraps
    private int _ended; // of those; by any thread
    private int _streams; // calls that have some; any thread ends them

    private int UnderWay => unchecked(_letIn - Volatile.Read(ref _ended));

    /// <summary>Requests of which something is missing. A guess on other threads.</summary>
    public int UnfinishedRequests => _incoming.Count;

    /// <summary>Notes that a call which was let in has ended. Any thread.</summary>
    public void OnEnded(bool hasStream)
    {
        Interlocked.Increment(ref _ended);
        if (hasStream)
        {
            Interlocked.Decrement(ref _streams);
        }
    }

    /// <summary>Notes that a call which was let in has streams.</summary>
    public void OnStreamOpened() => Interlocked.Increment(ref _streams);

    private bool OnRequest(in RpcFrame frame)
    {
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
        call.NoteRoute(method.Route);
        if (FindFault(method, header, state) is { } fault)
        {
            OnRefused(fault);
            NoteContext(header, state);
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
        state.LimitTime(endpoint.Deadline); // before anything asks for the call's token, as streams and requests in pieces do
        if (state.IsOneWay && endpoint.Shape != RpcMethodShape.Unary)
        {
            return NotProcessed(RpcStatusCode.InvalidArgument, $"'{endpoint.Name}' has streams, and was called one way.");
        }

        if (_connection.IsDraining)
        {
            return _connection.FarewellTo(null);
        }

        if (UnderWay >= _maxConcurrentCalls)
        {
            return NotProcessed(RpcStatusCode.ResourceExhausted, "Too many calls are under way on this connection.", RpcRejection.ConnectionLimit);
        }

        if (endpoint.Shape != RpcMethodShape.Unary && Volatile.Read(ref _streams) >= Server.Live.MaxStreamsPerConnection)
        {
            return NotProcessed(RpcStatusCode.ResourceExhausted, "Too many calls with streams are under way on this connection.", RpcRejection.ConnectionLimit);
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
            return NotProcessed(code, $"The metadata is refused: {error}.", code == RpcStatusCode.ResourceExhausted ? RpcRejection.Size : RpcRejection.ByStatus);
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
            ? NotProcessed(RpcStatusCode.ResourceExhausted, $"A message of {length} bytes is over the limit, or there are too many at once.", RpcRejection.Size)
            : null;
    }

    private static RpcFault NotProcessed(RpcStatusCode code, string message, RpcRejection rejection = RpcRejection.ByStatus) =>
        RpcFault.Of(code, message) with { IsNotProcessed = true, Rejection = rejection };

    // The trace of a call that is refused before its metadata is looked at. Read only if somebody traces: refusing must cost little.
    private void NoteContext(scoped in RpcReceivedHeader header, RpcVersion2Call state)
    {
        if (_connection.IsObserved && Server.Observer.Tracing.IsOn
            && header.ReadMetadata(RpcMetadataLimits.Default, out RpcMetadata metadata) == RpcMetadataError.None)
        {
            state.RequestMetadata = metadata;
        }
    }

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
            _floods.OnCancel(_connection.ReadAt);
            EndCollecting(incoming.Version2!, id);
            Fail(incoming, RpcFault.Of(code == RpcStatusCode.Ok ? RpcStatusCode.Cancelled : code, "The call was cancelled by its caller."));
        }
        else if (_active.Find(id)?.Version2 is { } running)
        {
            if (!(running.TimeLeft <= TimeSpan.Zero))
            {
                _floods.OnCancel(_connection.ReadAt); // else the server knows itself that it is over
            }

            running.Cancel(code == RpcStatusCode.Ok ? RpcStatusCode.Cancelled : code);
        }
        else
        {
            _floods.OnStray(_connection.ReadAt);
        }

        return true;
    }

    // What the caller could not know does not count against it.
    private void OnRefused(RpcFault fault)
    {
        if (!_connection.IsDraining && fault.Status.Code != RpcStatusCode.DeadlineExceeded)
        {
            _floods.OnRefused(_connection.ReadAt);
        }

        Log.CallNotDispatched(Logger, ConnectionId, fault.Message);
    }

    private void Fail(RpcCall call, RpcFault fault)
    {
        call.Fault = fault;
        _connection.Reply(call);
    }
}
