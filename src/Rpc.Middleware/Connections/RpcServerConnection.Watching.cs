using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <content>
/// What others see of the connection once a second, and what becomes of it then. The read loop notes when a frame came last and since when one is under way; all else the
/// heart-beat finds out by comparing with what it saw before, so that calls pay nothing for it.
/// </content>
internal sealed partial class RpcServerConnection
{
    private static readonly RpcFault TooManyConnections =
        RpcFault.Of(RpcStatusCode.ResourceExhausted, "The server has too many connections.") with { IsNotProcessed = true, Rejection = RpcRejection.Connections };

    // Of the read loop, which writes them, and of the heart-beat.
    private long _framedAt; // when the last whole frame was read
    private long _partialSince; // 0: no frame is under way, or it is not the peer who is waited for
    private long _partialLength;
    private volatile RpcWatchVerdict _verdict;
    private volatile bool _hasReadingEnded;

    // Of the heart-beat alone.
    private long _seenFramedAt;
    private long _seenFinished;
    private long _seenPartialLength;
    private long _quietSince;
    private int _seenFlushes;
    private long _flushSince; // 0: none under way

    /// <summary>Of the heart-beat's list, as the next three.</summary>
    public RpcServerConnection? NextWatched { get; set; }

    public RpcServerConnection? PreviousWatched { get; set; }

    public bool IsCounted { get; set; }

    public long WatchedSince { get; set; }

    /// <summary>Looks at the connection from outside. Of the heart-beat.</summary>
    public RpcWatchVerdict Look(RpcConnectionWatch watch, long now)
    {
        if (IsAborted || _verdict != RpcWatchVerdict.Fine)
        {
            return RpcWatchVerdict.Fine;
        }

        if (IsReadTooSlowly(watch, now))
        {
            return RpcWatchVerdict.SlowReader;
        }

        if (Version2?.Credit.HasUnwanted(now, watch.SendTime) == true)
        {
            return RpcWatchVerdict.NoCredit;
        }

        if (_hasReadingEnded)
        {
            return RpcWatchVerdict.Fine;
        }

        if (!IsCounted && now - WatchedSince >= watch.RefusalTime)
        {
            return RpcWatchVerdict.TooMany;
        }

        long partialSince = Volatile.Read(ref _partialSince);
        if (partialSince != 0 && watch.IsTooSlow(now - partialSince, Volatile.Read(ref _partialLength)))
        {
            return RpcWatchVerdict.SlowSender;
        }

        return IsQuiet(watch, now) ? RpcWatchVerdict.Idle : RpcWatchVerdict.Fine;
    }

    /// <summary>Ends the connection as it deserves. Of the heart-beat.</summary>
    public void OnWatched(RpcWatchVerdict verdict)
    {
        if (verdict == RpcWatchVerdict.NoCredit)
        {
            RpcConnectionWatch watch = Server.Heartbeat.Watch;
            int ended = Version2!.Credit.EndUnwanted(Server.TimeProvider.GetTimestamp(), watch.SendTime);
            Log.RepliesUnwanted(Logger, Connection.ConnectionId, ended, watch.Options.SendTimeout);
            return;
        }

        if (verdict != RpcWatchVerdict.SlowReader)
        {
            // The read loop knows what has come since.
            _verdict = verdict;
            _input.CancelPendingRead();
            return;
        }

        if (TryBeginAbort())
        {
            Server.Observer.OnConnectionClosed("slow_reader");
            Log.PeerReadsTooSlowly(Logger, Connection.ConnectionId, Server.Heartbeat.Watch.Options.SendTimeout);
            Abort("The peer does not read its replies.");
        }
    }

    private bool IsReadTooSlowly(RpcConnectionWatch watch, long now)
    {
        int flushes = Replies.PendingFlushes;
        if (!Replies.IsFlushing)
        {
            _flushSince = 0;
            return false;
        }

        if (_flushSince == 0 || flushes != _seenFlushes)
        {
            _flushSince = now;
            _seenFlushes = flushes;
            return false;
        }

        return now - _flushSince >= watch.SendTime;
    }

    // A request of which nothing more comes does not keep a connection: only calls that run do, and streams.
    private bool IsQuiet(RpcConnectionWatch watch, long now)
    {
        long finished = Replies.Finished;
        long framedAt = Volatile.Read(ref _framedAt);
        long partialLength = Volatile.Read(ref _partialSince) == 0 ? 0 : Volatile.Read(ref _partialLength); // a long frame comes for longer than a connection may be idle
        bool isQuiet = finished == _seenFinished && framedAt == _seenFramedAt && partialLength == _seenPartialLength && HasNothingUnderWay(finished);
        _seenFinished = finished;
        _seenPartialLength = partialLength;
        _seenFramedAt = framedAt;
        if (!isQuiet || _quietSince == 0)
        {
            _quietSince = now;
            return false;
        }

        return now - _quietSince >= watch.IdleTime;
    }

    private bool HasNothingUnderWay(long finished) => Volatile.Read(ref _started) - finished <= (Version2?.UnfinishedRequests ?? 0);

    // The peer is slow if it has begun a frame and not finished it while this side waits for it. Read loop only, as what follows.
    private void NoteWaiting(long length, bool hasFrame)
    {
        if (length == 0)
        {
            NotePaused();
            return;
        }

        Volatile.Write(ref _partialLength, length);
        if (hasFrame || _partialSince == 0)
        {
            Volatile.Write(ref _partialSince, Math.Max(1, _receivedAt)); // a clock may begin at 0
        }
    }

    private void NotePaused() => Volatile.Write(ref _partialSince, 0);

    // True if reading is over.
    private bool EndIfWatched()
    {
        RpcWatchVerdict verdict = _verdict;
        _verdict = RpcWatchVerdict.Fine;
        switch (verdict)
        {
            case RpcWatchVerdict.Idle when !IsDraining && _framedAt == _seenFramedAt && HasNothingUnderWay(Replies.Finished):
                Server.Observer.OnConnectionClosed("idle");
                Log.ConnectionIdle(Logger, Connection.ConnectionId, Server.Heartbeat.Watch.Options.IdleTimeout);
                if (Version2 is { UnfinishedRequests: 0 })
                {
                    EndPolitely("The connection was idle.");
                    return false;
                }

                EndReading("The connection was idle.");
                return true;
            case RpcWatchVerdict.TooMany:
                EndReading(TooManyConnections.Message);
                return true;
            case RpcWatchVerdict.SlowSender when _partialSince != 0:
                Server.Observer.OnConnectionClosed("slow_sender");
                Log.PeerSendsTooSlowly(Logger, Connection.ConnectionId, _partialLength);
                EndReading("A frame came too slowly.");
                return true;
            default:
                return false;
        }
    }

    private void RefuseIfTooMany()
    {
        if (!IsCounted)
        {
            _isSpecial = true;
            Server.Observer.OnConnectionRejected("connections");
            Log.TooManyConnections(Logger, Connection.ConnectionId, Server.Heartbeat.MaxConnections);
        }
    }

    // What the peer has sent meanwhile would be answered with a reset, which may overtake what it is told.
    private void EndReading(string reason)
    {
        Version2?.SayGoodbye(reason);
        EndBatch();
        _discardable = MaxDiscarded;
    }

    // Null if there is nobody to tell yet.
    private Progress? RefuseConnection(in ReadOnlySequence<byte> buffer)
    {
        if (Plugged is null)
        {
            ReadOnlySequence<byte> ahead = buffer;
            if (RpcFrameReader.TryRead(ref ahead, _rules, out RpcFrame frame, out _) != RpcFrameReadStatus.Frame || frame.Header.Type != RpcFrameType.Request)
            {
                return null;
            }

            Refuse(frame.Header, TooManyConnections);
            EndBatch();
        }

        _discardable = MaxDiscarded;
        return Progress.Refused;
    }
}
