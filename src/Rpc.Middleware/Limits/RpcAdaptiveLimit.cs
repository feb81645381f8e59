using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Finds how many calls a server should run at once, from their latency. By Little's law as many are under way as the calls that end in a second, times their latency; so
/// the most calls a second that were seen, times the shortest latency, keep a server busy without a queue. The bound is a little above, and gives way as the latency grows:
/// <c>most * ((2 + explore) * 1.5 * shortest - latency)</c>.
/// </summary>
/// <remarks>
/// The formula and the idea of measuring the shortest latency anew from time to time are those of brpc's auto limiter (its document
/// <c>auto_concurrency_limiter.md</c>). Ours bears a latency of half as much again, and moves half of the way at once, because the whole way overshoots and swings; it does not move while
/// the bound is far, for then nothing was learnt; it never goes below what Little's law asks for; and to measure anew it halves the bound until that costs throughput. The numbers
/// were tried on simulated servers with even and uneven calls (<c>AdaptiveLimitTests</c>), and with <c>Load overload</c>. Any thread: whoever cannot have the lock leaves its sample out.
/// </remarks>
internal sealed class RpcAdaptiveLimit
{
    // A window is long enough for averages that mean something, and short enough to answer an overload within a second.
    internal static readonly TimeSpan ShortestWindow = TimeSpan.FromMilliseconds(100);
    internal static readonly TimeSpan LongestWindow = TimeSpan.FromSeconds(2);
    internal const int FewestSamples = 50;

    // The first busy windows have a queue of the first bound already, and a program that has just started is slow for other reasons, too: so what calls take without a queue is measured soon, and then
    // again after twice the time until it is the interval of the options.
    internal static readonly TimeSpan FirstMeasurement = TimeSpan.FromSeconds(1);

    private const double LeastExplore = 0.06;
    private const double MostExplore = 0.3;
    private const double ExploreStep = 0.02;
    private const double SmoothingOfLatency = 0.5; // towards a shorter one
    private const double SmoothingOfRate = 0.1; // towards a lower one; a higher one counts at once
    private const double SmoothingOfRecentRate = 0.3; // either way
    private const double Busy = 0.75; // of the bound
    private const double Least = 0.9; // of what Little's law asks for
    private const double Saturated = 0.85; // of the calls a second before

    // Latencies of one window and the next differ by a third on a busy machine. With less, the bound takes that for a queue, and gives way until the server idles; what it costs
    // is a queue of half of the calls that run.
    private const double Tolerance = 1.5;
    private const int MostDraining = 20; // windows

    private readonly Lock _lock = new();
    private readonly int _least;
    private readonly int _most;
    private readonly long _frequency;
    private readonly long _shortestWindow;
    private readonly long _longestWindow;
    private readonly long _remeasureInterval;
    private volatile int _current;
    private long _ended; // since the window began; by any thread

    // Under the lock.
    private long _windowStart;
    private long _remeasureAt; // once a first latency is known
    private long _untilNext;
    private double _rate; // the most calls a second
    private double _recentRate;
    private double _explore = MostExplore;
    private long _latencies; // of the samples, failed ones too
    private int _samples; // that did not fail
    private int _peak; // calls at once
    private Phase _phase;
    private int _drained; // windows since the bound was lowered
    private long _shortest;

    public RpcAdaptiveLimit(RpcAdaptiveConcurrencyOptions options, int most, TimeProvider time)
    {
        _least = Math.Min(options.MinLimit, most);
        _most = most;
        _current = Math.Clamp(options.InitialLimit, _least, _most);
        _frequency = time.TimestampFrequency;
        _shortestWindow = (long)(ShortestWindow.TotalSeconds * _frequency);
        _longestWindow = (long)(LongestWindow.TotalSeconds * _frequency);
        _remeasureInterval = (long)(options.RemeasureInterval.TotalSeconds * _frequency);
        _windowStart = time.GetTimestamp();
        _untilNext = Math.Min(_remeasureInterval, (long)(FirstMeasurement.TotalSeconds * _frequency));
    }

    private enum Phase
    {
        Normal,
        Draining,
        Measuring,
    }

    /// <summary>How many calls may run.</summary>
    public int Current => _current;

    /// <summary>The shortest latency, as a difference of timestamps; 0 until it was measured.</summary>
    public long Shortest => Volatile.Read(ref _shortest);

    /// <summary>Notes that a call has ended.</summary>
    /// <param name="now">When, as a timestamp.</param>
    /// <param name="latency">What it took, as a difference of timestamps.</param>
    /// <param name="failure">How it failed; null if it did not.</param>
    /// <param name="running">How many ran, this one included.</param>
    public void OnEnded(long now, long latency, RpcStatusCode? failure, int running)
    {
        Interlocked.Increment(ref _ended);
        if (!_lock.TryEnter())
        {
            return;
        }

        try
        {
            if (failure is null)
            {
                _samples++;
                _latencies += latency;
            }
            else if (failure == RpcStatusCode.DeadlineExceeded)
            {
                // Its time was spent for nothing, so it counts for the others: a server that fails slowly must not look fast. How long other failures take says nothing.
                _latencies += latency;
            }

            _peak = Math.Max(_peak, running);
            long elapsed = now - _windowStart;
            if (elapsed >= _shortestWindow && (_samples >= FewestSamples || (elapsed >= _longestWindow && _samples > 0)))
            {
                CloseWindow(now, elapsed);
            }
        }
        finally
        {
            _lock.Exit();
        }
    }

    private void CloseWindow(long now, long elapsed)
    {
        double latency = (double)_latencies / _samples;
        double rate = Interlocked.Exchange(ref _ended, 0) * (double)_frequency / elapsed;
        int peak = _peak;
        bool isBusy = peak >= _current * Busy;
        _windowStart = now;
        _latencies = 0;
        _samples = 0;
        _peak = 0;
        switch (_phase)
        {
            case Phase.Draining:
                // Until what was let in before has ended; calls that never end are not waited for.
                _phase = peak <= _current || ++_drained >= MostDraining ? Phase.Measuring : Phase.Draining;
                break;
            case Phase.Measuring:
                EndQuiet(now, latency, rate, isBusy);
                break;
            case Phase.Normal when isBusy:
                Learn(now, latency, rate);
                Adjust(latency, rate);
                if (now >= _remeasureAt)
                {
                    StartQuiet();
                }

                break;
        }
    }

    // Only from windows in which the bound counted: without load calls are faster than they can be with it, and the calls a second are those that came.
    private void Learn(long now, double latency, double rate)
    {
        if (_shortest == 0)
        {
            _shortest = (long)latency;
            _remeasureAt = now + _untilNext;
        }
        else if (latency < _shortest)
        {
            _shortest = (long)((_shortest * (1 - SmoothingOfLatency)) + (latency * SmoothingOfLatency));
        }

        _recentRate = _recentRate == 0 ? rate : (_recentRate * (1 - SmoothingOfRecentRate)) + (rate * SmoothingOfRecentRate);
        if (rate >= _rate)
        {
            _rate = rate;
        }
        else if (latency > Tolerance * _shortest)
        {
            // With calls as short as ever it is the bound that makes them fewer, not the server.
            _rate = (_rate * (1 - SmoothingOfRate)) + (rate * SmoothingOfRate);
        }
    }

    private void Adjust(double latency, double rate)
    {
        // Looks for more while more does not make calls much slower, or the server does less than it could.
        double baseline = Tolerance * _shortest;
        bool explores = latency <= baseline || rate <= _rate / (1 + LeastExplore);
        _explore = Math.Clamp(_explore + (explores ? ExploreStep : -ExploreStep), LeastExplore, MostExplore);
        double wanted = _rate / _frequency * (((2 + _explore) * baseline) - latency);
        double least = _rate / _frequency * _shortest * Least;
        _current = Bounded((_current + Math.Max(wanted, least)) / 2);
    }

    private void StartQuiet()
    {
        _phase = Phase.Draining;
        _drained = 0;
        _current = Math.Max(_least, _current / 2);
    }

    // As long as half of the calls at once are nearly as many a second, some of them have been waiting: then the latency is not the shortest yet.
    private void EndQuiet(long now, double latency, double rate, bool isBusy)
    {
        if (isBusy && rate >= _recentRate * Saturated && _current > _least)
        {
            StartQuiet();
            return;
        }

        _phase = Phase.Normal;
        _shortest = (long)latency;
        _current = Bounded(_rate / _frequency * latency * Tolerance);
        _untilNext = Math.Min(_remeasureInterval, 2 * _untilNext);
        _remeasureAt = now + _untilNext;
    }

    private int Bounded(double limit) => (int)Math.Clamp(Math.Ceiling(limit), _least, _most);
}
