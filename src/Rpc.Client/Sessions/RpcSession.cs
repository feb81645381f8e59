using System.Buffers;
using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>
/// Speaks one version of the protocol on a connection, which owns it, moves its bytes and knows when to end. Any thread, but for what
/// says otherwise.
/// </summary>
internal abstract class RpcSession : IDisposable
{
    /// <param name="owner">The connection.</param>
    /// <param name="output">Its output.</param>
    /// <param name="options">Its options.</param>
    /// <param name="lastCallId">The id before the first one.</param>
    /// <param name="keepsIds">Whether the id of a call that was given up stays taken until the peer has answered.</param>
    protected RpcSession(ISessionOwner owner, PipeWriter output, RpcConnectionOptions options, uint lastCallId, bool keepsIds)
    {
        Owner = owner;
        Clock = options.TimeProvider;
        Calls = new PendingCallTable(options.MaxPendingCalls, lastCallId, keepsIds);
        Requests = new RequestQueue(output, this, options, OnSendFailed);
    }

    public PendingCallTable Calls { get; }

    public RequestQueue Requests { get; }

    public TimeProvider Clock { get; }

    /// <summary>Whether closing the output alone would leave the peer working for nobody.</summary>
    public abstract bool HasUnansweredRequests { get; }

    protected ISessionOwner Owner { get; }

    /// <summary>Begins, when the connection is ready.</summary>
    public virtual void Start()
    {
    }

    /// <summary>Reads every whole frame. On the read loop.</summary>
    /// <returns>False if the connection was told to end.</returns>
    public abstract bool TryRead(ref ReadOnlySequence<byte> buffer);

    /// <summary>Says why a call cannot be made, if that is known before anything is sent.</summary>
    public abstract RpcException? Refuse(PendingCall call);

    /// <summary>Serialises a request into <see cref="PendingCall.Body"/>.</summary>
    /// <exception cref="RpcException">It cannot be, or is too long.</exception>
    public abstract void Serialize(PendingCall call, object request);

    /// <summary>Writes the first frame of a call, or its only one. In the writer's role.</summary>
    /// <param name="call">The call.</param>
    /// <param name="request">The request; null if it is serialised already.</param>
    /// <param name="output">The output.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="RpcException">It cannot be sent. Nothing was written.</exception>
    public abstract int WriteRequest(PendingCall call, object? request, PipeWriter output);

    /// <summary>Writes what a call has beside its first frame. In the writer's role.</summary>
    /// <param name="call">The call.</param>
    /// <param name="output">The output.</param>
    /// <param name="goesOn">Whether it has more, and is queued again or waits for credit.</param>
    /// <returns>Bytes written.</returns>
    public virtual int WriteMore(PendingCall call, PipeWriter output, out bool goesOn)
    {
        goesOn = false;
        return 0;
    }

    /// <summary>Notes that the peer has done with an id, or has never heard of it.</summary>
    public virtual void Forget(uint callId) => Calls.Forget(callId);

    /// <summary>Notes that a call has ended.</summary>
    public abstract void OnEnded(PendingCall call);

    /// <summary>Starts a call: takes it in, and sends its request.</summary>
    /// <returns>Why not; then the call is given up.</returns>
    public RpcException? Send(PendingCall call, object request)
    {
        RpcException? refusal = Register(call);
        if (refusal is not null)
        {
            call.Abandon();
            return refusal;
        }

        // The call may end at any time from here on, but it stays this call until the caller has taken its result.
        Requests.Send(call, request);
        if (call.HasDeadline)
        {
            call.StartTimer(Clock);
        }

        call.CancelIfRequested();
        return null;
    }

    public virtual void Dispose()
    {
    }

    // Registered before it is written: a reply can never come before its call is known.
    private RpcException? Register(PendingCall call)
    {
        if (Refuse(call) is { } refusal)
        {
            return refusal;
        }

        if (!Requests.HasRoom)
        {
            return NotSent(RpcErrorCode.Client, call, "too many requests wait to be written.");
        }

        if (!call.TrySetDeadline(Clock))
        {
            return call.DeadlineExceeded();
        }

        call.Register();
        switch (Calls.Add(call))
        {
            case PendingCallTableResult.Added:
                return null;
            case PendingCallTableResult.Full:
                return NotSent(RpcErrorCode.Client, call, "too many calls are under way.");
            default:
                RpcException reason = Owner.CloseReason!;
                return NotSent(reason.Code, call, reason.Message, reason.InnerException);
        }
    }

    private static RpcException NotSent(RpcErrorCode code, PendingCall call, string reason, Exception? inner = null) =>
        new(code, $"{call.Method} was not sent: {reason}", inner) { IsNotProcessed = true };

    private void OnSendFailed(Exception? exception)
    {
        if (exception is null)
        {
            Owner.Fail(RpcErrorCode.Connection, "The peer takes no more requests.", null, CloseManner.WhenIdle);
        }
        else
        {
            Owner.Fail(RpcErrorCode.Network, $"Sending failed: {exception.Message}", exception, CloseManner.Reset);
        }
    }
}
