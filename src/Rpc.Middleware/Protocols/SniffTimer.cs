using System.IO.Pipelines;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Ends a sniff that takes too long. When the host stops little time is left: what is on its way already is told so by its protocol, instead of a
/// reset. Whoever comes first wins: after a decision the reader is not cancelled any more, so the protocol that gets the connection never sees a
/// cancelled read.
/// </summary>
internal sealed class SniffTimer : IAsyncDisposable
{
    /// <summary>Time-outs from here on mean none: timers cannot wait longer.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly PipeReader _input;
    private readonly CancellationTokenRegistration _stop;
    private readonly ITimer _timer;
    private readonly TimeSpan _linger;
    private volatile bool _isStopping;
    private int _outcome = (int)RpcSniffResult.NeedMore;

    public SniffTimer(PipeReader input, TimeProvider timeProvider, TimeSpan timeout, TimeSpan linger, CancellationToken stopRequested)
    {
        _input = input;
        _linger = linger;
        bool isLimited = timeout > TimeSpan.Zero && timeout < Longest;
        _timer = timeProvider.CreateTimer(
            static state => ((SniffTimer)state!).End(), this, isLimited ? timeout : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _stop = stopRequested.UnsafeRegister(static state => ((SniffTimer)state!).OnStopRequested(), this);
    }

    /// <summary>Settles on a result, unless the time was over before.</summary>
    /// <returns>The result that counts.</returns>
    public RpcSniffResult Settle(RpcSniffResult result)
    {
        int before = Interlocked.CompareExchange(ref _outcome, (int)result, (int)RpcSniffResult.NeedMore);
        return before == (int)RpcSniffResult.NeedMore ? result : (RpcSniffResult)before;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.DisposeAsync();
        await _timer.DisposeAsync();
    }

    private void OnStopRequested()
    {
        _isStopping = true;
        _timer.Change(_linger, Timeout.InfiniteTimeSpan);
    }

    private void End()
    {
        RpcSniffResult reason = _isStopping ? RpcSniffResult.Stopping : RpcSniffResult.TimedOut;
        if (Settle(reason) == reason)
        {
            _input.CancelPendingRead();
        }
    }
}
