using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The streams of one call, both directions: what has come and waits for the handler, what the handler has written and waits for credit.
/// Used once, not pooled: a handler that has kept its reader or writer finds them ended. The read loop brings requests, one thread at
/// a time reads them, one writes replies, the writer of the connection takes those; each direction has its lock.
/// </summary>
internal sealed partial class RpcCallStream
{
    private readonly RpcCall _call;
    private readonly RpcVersion2Call _state;
    private readonly RpcVersion2Session _session;
    private readonly RpcMessageFormat _format; // of the replies
    private readonly uint _id;
    private readonly CancellationToken _cancelled; // the call's own

    /// <summary>Opens the streams of a call that has just started. Read loop only.</summary>
    public RpcCallStream(RpcCall call, RpcVersion2Session session, uint id)
    {
        _call = call;
        _state = call.Version2!;
        _session = session;
        _format = call.ReplyFormat;
        _id = id;
        _requestCredit = new RpcRequestCredit.Stream(id);
        _cancelled = _state.CancellationToken;
        session.Credit.Begin(_state);
        _cancelled.UnsafeRegister(static stream => ((RpcCallStream)stream!).OnCancelled(), this);
    }

    /// <summary>Counts the messages; null if nobody watches.</summary>
    public RpcStreamMeter? Meter { get; set; }

    /// <summary>The call's own token: waiting with it needs no further registration.</summary>
    public CancellationToken Cancelled => _cancelled;

    /// <summary>
    /// The handler, and all around it, is done: nothing more is read or written. Sends what is left, and then the RESPONSE. The caller must not
    /// touch the call afterwards.
    /// </summary>
    public void OnHandlerEnded()
    {
        EndRequests();
        EndReplies();
    }

    // Whoever cancels the call runs this, the read loop too: it only wakes others.
    private void OnCancelled()
    {
        FailRequests(new OperationCanceledException(_cancelled));
        FailReplies(new OperationCanceledException(_cancelled));
        _session.Credit.Wake(_state);
    }

    // The tokens of calls are cancelled a little after their connection: what that ends is cancelled all the same.
    private Exception Settle(Exception exception) =>
        exception is not OperationCanceledException && _state.CancelledWith is not null ? new OperationCanceledException(_cancelled) : exception;

    private static InvalidOperationException HasEnded() =>
        new("The call has ended, and its streams with it. Read and write only until the handler returns.");
}
