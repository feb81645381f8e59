using System.Buffers;
using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>Version 1: a request, a reply, nothing else.</summary>
internal sealed class Version1Session : RpcSession
{
    private readonly RpcFrameLimits _limits;
    private readonly OneAtATimeGate? _gate;
    private long _repliesReceived; // written by the read loop alone

    public Version1Session(ISessionOwner owner, PipeWriter output, RpcConnectionOptions options, uint lastCallId)
        : base(owner, output, options, lastCallId, keepsIds: false)
    {
        _limits = options.Limits;
        _gate = options.OneRequestAtATime ? new OneAtATimeGate(Requests) : null;
        Requests.Gate = _gate;
    }

    // Also those of calls that were cancelled after they had left: only the end of the connection tells the server.
    public override bool HasUnansweredRequests => Requests.Written > Volatile.Read(ref _repliesReceived);

    public override RpcException? Refuse(PendingCall call) => call.NeedsVersion2 || call.Options.NeedVersion2
        ? new RpcException(
            RpcStatusCode.Unimplemented,
            $"{call.Method} was not sent: version 1 of the protocol has no streams, one-way calls, metadata, attachments and compression.")
        : null;

    /// <summary>Hands every whole reply to its call.</summary>
    public override bool TryRead(ref ReadOnlySequence<byte> buffer)
    {
        while (true)
        {
            switch (RpcFrameReader.TryRead(ref buffer, _limits, out RpcFrame frame, out RpcFrameError error))
            {
                case RpcFrameReadStatus.Frame:
                    OnReply(frame);
                    break;
                case RpcFrameReadStatus.NeedMore:
                    return true;
                default:
                    Owner.Fail(RpcErrorCode.Decoding, $"The peer sent what is no reply: {error.Describe()}", null, CloseManner.Reset);
                    return false;
            }
        }
    }

    public override void Serialize(PendingCall call, object request)
    {
        int size = call.Measure(request);
        CheckLengths(call, size);
        call.WriteTo(request, call.Body.GetSpan(size)[..size]);
        call.Body.Advance(size);
    }

    public override int WriteRequest(PendingCall call, object? request, PipeWriter output)
    {
        ReadOnlySpan<byte> protocolData = call.Method.ProtocolData.Span;
        if (request is null)
        {
            return RpcFrameWriter.Write(output, RpcFrameType.Request, call.WireId, protocolData, call.Body.Written);
        }

        int size = call.Measure(request);
        CheckLengths(call, size);

        // Both are at most RpcFrameLimits.Largest, so this cannot overflow.
        int bodyOffset = RpcFrameHeader.Size + protocolData.Length;
        int length = bodyOffset + size;
        Span<byte> span = output.GetSpan(length);
        new RpcFrameHeader(RpcFrameHeader.Version1, RpcFrameType.Request, call.WireId, (uint)protocolData.Length, (uint)size).Write(span);
        protocolData.CopyTo(span[RpcFrameHeader.Size..]);
        call.WriteTo(request, span.Slice(bodyOffset, size));
        output.Advance(length);
        return length;
    }

    public override void OnEnded(PendingCall call) => _gate?.Leave(call);

    private void CheckLengths(PendingCall call, int bodyLength)
    {
        int protocolDataLength = call.Method.ProtocolData.Length;
        if (protocolDataLength > _limits.MaxProtocolDataLength)
        {
            throw new RpcException(RpcErrorCode.Encoding, $"Protocol data of {protocolDataLength} bytes is over the limit of {_limits.MaxProtocolDataLength}.");
        }

        if (bodyLength > _limits.MaxBodyLength)
        {
            throw new RpcException(RpcErrorCode.Encoding, $"A body of {bodyLength} bytes is over the limit of {_limits.MaxBodyLength}.");
        }
    }

    // The type is not looked at: the original server sends its replies as requests.
    private void OnReply(in RpcFrame frame)
    {
        if (frame.Header.SequenceId != 0)
        {
            // Before the call ends: whoever closes right after its reply must find it counted. 0 answers no call.
            Volatile.Write(ref _repliesReceived, _repliesReceived + 1);
        }

        if (Calls.TryRemove(frame.Header.SequenceId, out PendingCall? call))
        {
            call.Complete(frame);
        }
        else
        {
            Log.UnmatchedReply(Owner.Logger, Owner.Id, frame.Header.SequenceId);
        }
    }
}
