using System.Buffers;
using System.Security.Claims;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <content>Connections that are not verified yet, and those of protocols that the application has brought. Of the read loop alone.</content>
internal sealed partial class RpcServerConnection
{
    private RpcVerification? _verification; // null if there is nothing left to verify
    private bool _isSpecial;

    /// <summary>Who the peer is. Any thread.</summary>
    public ClaimsPrincipal User
    {
        get => field ?? Interlocked.CompareExchange(ref field, new ClaimsPrincipal(new ClaimsIdentity()), null) ?? field;
        set;
    }

    // Null if the next frame is one like any other.
    private Progress? StartSpecial(ref ReadOnlySequence<byte> buffer)
    {
        if (!IsCounted)
        {
            return RefuseConnection(buffer);
        }

        if (Plugged is not null)
        {
            return StartPlugged(ref buffer);
        }

        // Looks ahead: the frame stays where it is until the connection is verified, and those behind it too.
        ReadOnlySequence<byte> ahead = buffer;
        if (RpcFrameReader.TryRead(ref ahead, _rules, out RpcFrame frame, out _) == RpcFrameReadStatus.Frame && frame.Header.Type == RpcFrameType.Request)
        {
            _verification!.Describe(frame);
            return Progress.Unverified;
        }

        return null;
    }

    private Progress StartPlugged(ref ReadOnlySequence<byte> buffer)
    {
        switch (Plugged!.Next(ref buffer, _verification))
        {
            case RpcPluggedProgress.Started:
                return Progress.Started;
            case RpcPluggedProgress.NeedMore:
                return Progress.NeedMore;
            case RpcPluggedProgress.Unverified:
                return Progress.Unverified;
            default:
                _discardable = MaxDiscarded;
                return Progress.Refused;
        }
    }

    // False if the peer was refused and told so.
    private async Task<bool> VerifyAsync()
    {
        StartLast();
        RpcVerification verification = _verification!;
        RpcStatus? refusal = await verification.RunAsync();
        if (refusal is null)
        {
            _verification = null;
            _isSpecial = Plugged is not null;
            Plugged?.StartHeld();
            EndBatch();
            return true;
        }

        Server.Observer.OnConnectionRejected(RpcRejections.ReasonOf(RpcRejection.ByStatus, refusal.Code));
        RpcFault fault = RpcFault.Of(refusal.Code, refusal.Message) with { IsNotProcessed = true };
        if (Plugged is not null)
        {
            Plugged.RefuseHeld(fault);
        }
        else
        {
            Refuse(verification.Request, fault);
        }

        EndBatch();
        _discardable = MaxDiscarded;
        return false;
    }

    private void Refuse(RpcFrameHeader request, RpcFault fault)
    {
        if (!_isVersionKnown)
        {
            SetVersion(request);
        }

        RpcCall call = StartCall(request.SequenceId);
        call.Version2?.Start(request.SequenceId);
        call.Fault = fault;
        Reply(call);
        Version2?.SayGoodbye(fault.Message);
    }
}
