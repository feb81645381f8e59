using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <remarks>What the server sends. On the read loop.</remarks>
internal sealed partial class Version2Session
{
    private readonly RpcFrameRules _rules;
    private bool _hasReadFrame;
    private volatile bool _hasPeerSettings;
    private PendingCall? _receiving; // held: the call of the DATA that came last, while one buffer is read

    public override bool TryRead(ref ReadOnlySequence<byte> buffer)
    {
        try
        {
            return TryReadFrames(ref buffer);
        }
        finally
        {
            StopReceiving();
        }
    }

    private bool TryReadFrames(ref ReadOnlySequence<byte> buffer)
    {
        while (true)
        {
            switch (RpcFrameReader.TryRead(ref buffer, _rules, out RpcFrame frame, out RpcFrameError error))
            {
                case RpcFrameReadStatus.Frame:
                    _keepAlive?.OnReceived(); // before anybody can see what came of it
                    if (!OnFrame(frame))
                    {
                        return false;
                    }

                    if (!_hasReadFrame && !_hasPeerSettings)
                    {
                        _admission.Limit(int.MaxValue); // it does not say
                    }

                    _hasReadFrame = true;
                    break;
                case RpcFrameReadStatus.NeedMore:
                    return true;
                default:
                    return OnBadFrame(error);
            }
        }
    }

    private bool OnBadFrame(in RpcFrameError error)
    {
        if (!_hasReadFrame && error.Kind == RpcFrameErrorKind.UnsupportedVersion && error.Header.Version == RpcFrameHeader.Version1)
        {
            Owner.Fail(
                RpcErrorCode.Decoding,
                $"The server speaks version 1 of the protocol: set {nameof(RpcConnectionOptions)}.{nameof(RpcConnectionOptions.ProtocolVersion)} to 1.",
                null,
                CloseManner.Reset);
            return false;
        }

        return Violation(error.Kind.ToGoAwayCode(), error.Describe());
    }

    // False if the connection was told to end.
    private bool OnFrame(in RpcFrame frame)
    {
        using RpcHeaderBytes header = new(frame.ProtocolData);
        uint callId = frame.Header.SequenceId;
        if (frame.Header.Type != RpcFrameType.Data)
        {
            StopReceiving();
        }

        switch (frame.Header.Type)
        {
            case RpcFrameType.Response:
            case RpcFrameType.Data:
            case RpcFrameType.Headers:
                RpcHeaderError error = RpcReceivedHeader.Read(frame.Header, header.Span, out RpcReceivedHeader received);
                return error != RpcHeaderError.None ? Violation(frame, error)
                    : frame.Header.Type == RpcFrameType.Response ? OnResponse(callId, received, frame.Body)
                    : frame.Header.Type == RpcFrameType.Data ? OnData(callId, received, frame.Body)
                    : OnHeaders(callId, received);
            case RpcFrameType.Credit:
                error = RpcControlFrame.ReadCredit(header.Span, out int bytes);
                return error != RpcHeaderError.None ? Violation(frame, error) : OnCredit(callId, bytes);
            case RpcFrameType.Ping:
                _control.Pong(RpcControlFrame.ReadPing(frame.Body));
                return true;
            case RpcFrameType.Pong:
                return true; // that something came is all that matters
            case RpcFrameType.GoAway:
                error = RpcControlFrame.ReadGoAway(header.Span, out RpcGoAwayCode code, out ReadOnlySpan<byte> message);
                return error != RpcHeaderError.None ? Violation(frame, error) : OnGoAway(code, message);
            case RpcFrameType.Settings when !_hasReadFrame:
                error = RpcSettings.Read(header.Span, out RpcSettings settings);
                return error != RpcHeaderError.None ? Violation(frame, error) : OnSettings(settings);
            default:
                return Violation(RpcGoAwayCode.ProtocolError, $"A server does not send {frame.Header.Type} here.");
        }
    }

    private bool OnResponse(uint callId, scoped in RpcReceivedHeader header, in ReadOnlySequence<byte> body)
    {
        if (!Calls.TryRemove(callId, out PendingCall? call))
        {
            Forget(callId);
            Log.UnmatchedReply(Owner.Logger, Owner.Id, callId);
            return true;
        }

        return call.OnResponse(header, body) || Violation(RpcGoAwayCode.ProtocolError, $"The pieces of a message of call {callId} do not fit together.");
    }

    private bool OnData(uint callId, scoped in RpcReceivedHeader header, in ReadOnlySequence<byte> body)
    {
        if ((header.Flags & RpcCallBits.End) != 0)
        {
            return Violation(RpcGoAwayCode.ProtocolError, "DATA of a server has no END.");
        }

        long cost = RpcCredit.CostOf((int)body.Length);
        PendingCall? call = Receiving(callId);
        if (call is null)
        {
            return Flow.TryReceive(null, cost) || BeyondCredit();
        }

        return !Flow.TryReceive(call, cost) ? BeyondCredit()
            : call.OnData(header, body, cost)
            || Violation(RpcGoAwayCode.ProtocolError, $"The pieces of a message of call {callId} do not fit together.");
    }

    // The call of a DATA; null if it has ended. Small messages of a stream come by the hundred: it is looked up once for all.
    private PendingCall? Receiving(uint callId)
    {
        if (_receiving is { IsCompleted: false } receiving && receiving.SequenceId == callId)
        {
            return receiving;
        }

        StopReceiving();
        return Calls.TryHold(callId, out _receiving) ? _receiving : null;
    }

    private void StopReceiving()
    {
        if (_receiving is { } receiving)
        {
            _receiving = null;
            receiving.HandOver();
            receiving.Release();
        }
    }

    private bool OnHeaders(uint callId, scoped in RpcReceivedHeader header)
    {
        if (!Calls.TryHold(callId, out PendingCall? call))
        {
            return true;
        }

        try
        {
            return call.OnHeaders(header) || Violation(RpcGoAwayCode.ProtocolError, "HEADERS comes once, before the first message.");
        }
        finally
        {
            call.Release();
        }
    }

    private bool OnCredit(uint callId, int bytes)
    {
        bool isGood = true;
        if (callId == 0)
        {
            isGood = Flow.TryAdd(bytes);
        }
        else if (Calls.TryHold(callId, out PendingCall? call))
        {
            try
            {
                isGood = Flow.TryAdd(call, bytes);
            }
            finally
            {
                call.Release();
            }
        }

        return isGood || Violation(RpcGoAwayCode.FlowControlError, "More credit than there can be.");
    }

    private bool BeyondCredit() => Violation(RpcGoAwayCode.FlowControlError, "DATA beyond the credit.");

    private bool Violation(in RpcFrame frame, RpcHeaderError error) =>
        Violation(RpcGoAwayCode.ProtocolError, $"The header of a {frame.Header.Type} was refused: {error}.");

    private bool Violation(RpcGoAwayCode code, string message)
    {
        StopReceiving(); // what was good reaches its reader ahead of the end
        _control.GoAway(code, message);
        Owner.Fail(RpcErrorCode.Decoding, $"The peer broke the protocol: {message}", null, CloseManner.LastWords);
        return false;
    }
}
