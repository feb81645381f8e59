using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// What a call of version 2 has beside the rest: a time limit, cancellation of its own, metadata, a request in pieces. Kept by its pooled
/// call. The read loop starts and cancels it; for the rest it belongs to whoever has the call.
/// </summary>
internal sealed partial class RpcVersion2Call(RpcCall call, RpcVersion2Session session, RpcCallCancellation cancellation)
{
    private const int NotCancelled = -1;

    private volatile uint _id; // 0: not under way
    private RpcReceiveCredit _received; // of the read loop
    private volatile int _cancelledWith = NotCancelled;

    /// <summary>What the output queue knows it by.</summary>
    public IOutputItem Item => call;

    /// <summary>Time that the caller gives, from the moment the request was read; null without a limit.</summary>
    public TimeSpan? Timeout { get; set; }

    public bool IsOneWay { get; set; }

    /// <summary>Whether the call counts among those that are under way.</summary>
    public bool IsLetIn { get; set; }

    /// <summary>Whether END has come: nothing of the request is missing.</summary>
    public bool IsRequestOver { get; set; }

    /// <summary>Where the call leads; for a request that comes in pieces.</summary>
    public RpcRoute? Route { get; set; }

    /// <summary>Puts the request together. With the first piece.</summary>
    public RpcMessageAssembly? Assembly { get; set; }

    /// <summary>Bytes of the request that have come in pieces.</summary>
    public long Collected { get; set; }

    /// <summary>Bytes by which the request has grown when it was decompressed.</summary>
    public long Grown { get; set; }

    /// <summary>The whole request, until END has come too.</summary>
    public RpcPooledMessage? Message { get; set; }

    /// <summary>How compressed messages of the caller are encoded, as it said last.</summary>
    public RpcEncoding RequestEncoding { get; set; }

    /// <summary>The streams of the call; null if it has none.</summary>
    public RpcCallStream? Stream { get; private set; }

    /// <summary>How replies are compressed, as the end point wants it and the caller takes it.</summary>
    public RpcEncoding ReplyEncoding { get; set; }

    /// <summary>The request as it came, if it has an attachment; until the call ends.</summary>
    public RpcPooledMessage? RequestWithAttachment { get; set; }

    /// <summary>Bytes that go behind the reply.</summary>
    public ReadOnlySequence<byte> ReplyAttachment { get; set; }

    public RpcMetadata RequestMetadata { get; set; } = RpcMetadata.Empty;

    public RpcMetadata? ReplyMetadata { get; set; }

    public RpcMetadata? ReplyTrailers { get; set; }

    /// <summary>Time left; null without a limit.</summary>
    public TimeSpan? TimeLeft => Timeout - session.Server.TimeProvider.GetElapsedTime(call.ReceivedAt);

    /// <summary>Why the call was cancelled; null if it was not.</summary>
    public RpcStatusCode? CancelledWith =>
        _cancelledWith != NotCancelled ? (RpcStatusCode)_cancelledWith
        : session.CallsCancelled.IsCancellationRequested ? session.CancelledBecause
        : IsOutOfTime ? RpcStatusCode.DeadlineExceeded
        : null;

    // A timer may fire a little before the clock says so.
    private bool IsOutOfTime => Timeout is not null && (TimeLeft <= TimeSpan.Zero || cancellation.IsCancellationRequested);

    /// <summary>Made when it is first asked for, as few handlers do.</summary>
    public CancellationToken CancellationToken
    {
        get
        {
            if (!cancellation.IsStarted)
            {
                cancellation.Start(TimeLeft);
                Interlocked.MemoryBarrier(); // pairs with the one in Cancel
                if (_cancelledWith != NotCancelled)
                {
                    cancellation.Cancel();
                }
            }

            return cancellation.Token;
        }
    }

    /// <summary>Counts a DATA frame that is taken in at once. Read loop only.</summary>
    /// <returns>False if the caller may not send that much.</returns>
    public bool TryReceive(long cost, out int grant)
    {
        bool isReceived = _received.TryReceive(cost);
        grant = isReceived ? _received.Release(cost) : 0;
        return isReceived;
    }

    /// <summary>Whether the call has this id and is under way. Any thread.</summary>
    public bool IsUnderWay(uint id) => _id == id;

    /// <summary>Starts the call. Read loop only.</summary>
    public void Start(uint id)
    {
        // Here and not in Reset: until now a CREDIT for the call before may have been counted.
        HasCredit = false;
        EarlyCredit = 0;
        IsUnwanted = false;
        _cancelledWith = NotCancelled; // as well: a CANCEL may have found the call before
        _received = new RpcReceiveCredit(RpcSettings.DefaultCallCredit);
        _id = id;
    }

    /// <summary>Bounds the time of the call, whatever its caller gives. Before its token is asked for.</summary>
    public void LimitTime(TimeSpan? limit) => Timeout = Timeout < limit ? Timeout : limit ?? Timeout;

    /// <summary>Opens the streams of the call. Read loop only, before anybody else has it.</summary>
    public RpcCallStream OpenStream()
    {
        session.OnStreamOpened();
        return Stream = new RpcCallStream(call, session, _id);
    }

    /// <summary>Cancels the call, if it is still under way. Read loop only: no other call starts meanwhile.</summary>
    public void Cancel(RpcStatusCode code)
    {
        _cancelledWith = (int)code;
        Interlocked.MemoryBarrier(); // pairs with the one in CancellationToken
        cancellation.Cancel();
        session.Credit.Wake(this); // a reply that waits for credit
    }

    /// <summary>Gives the id free. From now on the read loop does not find the call.</summary>
    public void End()
    {
        _id = 0;
        if (Grown > 0)
        {
            session.StopGrowing(Grown);
            Grown = 0;
        }

        if (IsLetIn)
        {
            IsLetIn = false;
            session.OnEnded(hasStream: Stream is not null);
        }
    }

    /// <summary>Gives back what a call holds that something of the application still uses: it is not reset, and never used again.</summary>
    public void Abandon()
    {
        DropReply();
        cancellation.Abandon();
    }

    /// <summary>Forgets everything about the call.</summary>
    public void Reset()
    {
        DropReply();
        Assembly?.Reset();
        Message?.Dispose();
        Message = null;
        Collected = 0;
        Route = null;
        Timeout = null;
        IsOneWay = false;
        IsRequestOver = false;
        RequestWithAttachment?.Dispose();
        RequestWithAttachment = null;
        ReplyAttachment = default;
        Stream = null;
        RequestEncoding = ReplyEncoding = RpcEncoding.None;
        RequestMetadata = RpcMetadata.Empty;
        ReplyMetadata = null;
        ReplyTrailers = null;
        _cancelledWith = NotCancelled;
        cancellation.Reset();
    }
}
