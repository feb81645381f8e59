using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <content>The end that the host's stop brings: no new calls, running ones get their time, and nothing is closed with bytes unread.</content>
internal sealed partial class RpcServerConnection
{
    private const string Stopping = "The server stops.";

    private string _farewell = Stopping; // why calls that come now are refused
    private ITimer? _drainTimer; // of the host's stop
    private ITimer? _lingerTimer; // of the read loop
    private volatile bool _isStopping;
    private volatile bool _isDrainOver;
    private volatile bool _isLingerOver;

    /// <summary>Whether calls that come now are refused: the host stops, or the connection was idle. Read loop only.</summary>
    public bool IsDraining { get; private set; }

    /// <summary>What a call gets that comes then. Read loop only.</summary>
    public RpcFault FarewellTo(RpcMethodName? name) => Refusal(_farewell, name);

    /// <summary>What a call gets that has waited for its turn when the server stops.</summary>
    public static RpcFault StoppingFault() => Refusal(Stopping, null);

    /// <summary>Why <see cref="CallsCancelled"/> is cancelled. Any thread.</summary>
    public RpcStatusCode CancelledBecause => _isDrainOver ? RpcStatusCode.Unavailable : RpcStatusCode.Cancelled;

    // The host stops. Once at most, by a thread of the host.
    private void OnStopRequested()
    {
        _isStopping = true;
        Server.OnStopping();
        if (Server.DrainTimeLeft is { } left)
        {
            _drainTimer = Server.TimeProvider.CreateTimer(
                static state => ((RpcServerConnection)state!).OnDrainOver(), this, left, Timeout.InfiniteTimeSpan);
        }

        _input.CancelPendingRead();
        Replies.Wake();
    }

    private void OnDrainOver()
    {
        _isDrainOver = true;
        if (Replies.Finished < Volatile.Read(ref _started))
        {
            Log.DrainTimeOver(Logger, Connection.ConnectionId);
        }

        CancelCalls();
        _input.CancelPendingRead();
        Replies.Wake();
    }

    // False if the connection has ended: read loop only, and the rest too.
    private bool GoesOnDraining()
    {
        BeginDraining();
        if (Replies.Finished < _started || Replies.IsFlushing)
        {
            return true;
        }

        if (_isDrainOver || _isLingerOver || Server.Live.Drain.Linger <= TimeSpan.Zero)
        {
            return false;
        }

        _lingerTimer ??= Server.TimeProvider.CreateTimer(
            static state => ((RpcServerConnection)state!).OnLingerOver(), this, Server.Live.Drain.Linger, Timeout.InfiniteTimeSpan);
        return true;
    }

    private void BeginDraining()
    {
        if (!IsDraining)
        {
            IsDraining = true;
            Version2?.SayGoodbye(Stopping);
            EndBatch();
        }
    }

    // As if the host stopped, for this connection alone: a call that is on its way already is refused in so many words. Read loop only.
    private void EndPolitely(string reason)
    {
        _isStopping = true;
        IsDraining = true;
        _farewell = reason;
        Version2?.SayGoodbye(reason);
        EndBatch();
    }

    private static RpcFault Refusal(string reason, RpcMethodName? name) =>
        RpcFault.Of(RpcStatusCode.Unavailable, reason, name) with { IsNotProcessed = true };

    private void OnLingerOver()
    {
        _isLingerOver = true;
        _input.CancelPendingRead();
    }

    // Whether the end of calls is nothing to wait for: they have ended, and only what is on its way is waited for.
    private bool IsLingering => _lingerTimer is not null && !_isLingerOver && !_isDrainOver;

    // Like any read, but comes back when the last call has ended.
    private async Task<ReadResult> ReadOrDrainAsync()
    {
        StartLast();
        Task<ReadResult> read = _input.ReadAsync().AsTask();
        while (!IsLingering && await Task.WhenAny(read, Replies.WaitAsync(_started)) != read)
        {
            if (Replies.Finished >= _started && !Replies.IsFlushing)
            {
                _input.CancelPendingRead();
                break;
            }
        }

        return await read;
    }

    private async ValueTask DisposeTimersAsync()
    {
        if (_drainTimer is not null)
        {
            await _drainTimer.DisposeAsync();
        }

        if (_lingerTimer is not null)
        {
            await _lingerTimer.DisposeAsync();
        }
    }
}
