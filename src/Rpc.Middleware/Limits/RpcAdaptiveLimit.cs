using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Finds how many calls a server should run at once, from their latency. By Little's law as many are under way as the calls that end in a second, times their latency; so
/// the most calls a second that were seen, times the shortest latency, keep a server busy without a queue. The bound is a little above, and gives way as the latency grows:
/// <c>most * ((2 + explore) * shortest - latency)</c>.
/// </summary>
/// <remarks>
/// The formula and the idea of measuring the shortest latency anew from time to time are those of brpc's auto limiter (its document
/// <c>auto_concurrency_limiter.md</c>). Ours moves half of the way at once, because with a queue in the server the whole way overshoots and swings; it does not shrink while
/// the bound was not reached, for then it has learnt nothing; and it never goes below what Little's law asks for. Any thread: whoever cannot have the lock leaves its sample out.
/// </remarks>
internal sealed class RpcAdaptiveLimit
{
    // A window is long enough for averages that mean something, and short enough to answer an overload within a second.
    internal static readonly TimeSpan ShortestWindow = TimeSpan.FromMilliseconds(100);
    internal static readonly TimeSpan LongestWindow = TimeSpan.FromSeconds(2);
    internal const int FewestSamples = 50;

    private const double LeastExplore = 0.06;
    private const double MostExplore = 0.3;
    private const double ExploreStep = 0.02;
    private const double SmoothingOfLatency = 0.5; // towards a shorter one
    private const double SmoothingOfRate = 0.1; // towards a lower one; a higher one counts at once
    private const double Busy = 0.75; // of the bound
    private const double Quiet = 0.9; // of what keeps the server busy: nothing queues there

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
    private long _remeasureAt;
    private double _rate; // the most calls a second
    private double _explore = MostExplore;
    private long _latencies; // of the samples, failed ones too
    private int _samples; // that did not fail
    private int _peak; // calls at once
    private Phase _phase;
    private int _before; // the bound before the quiet moment
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
        _remeasureAt = _windowStart + _remeasureInterval;
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
        bool isBusy = _peak >= _current * Busy;
        _windowStart = now;
        _latencies = 0;
        _samples = 0;
        _peak = 0;
        switch (_phase)
        {
            case Phase.Draining:
                // What was let in before has ended in it.
                _phase = Phase.Measuring;
                break;
            case Phase.Measuring:
                _shortest = (long)latency;
                _rate = Math.Max(rate, _rate * Quiet);
                _phase = Phase.Normal;
                _current = Math.Max(_before, Bounded(_rate * latency / _frequency));
                _remeasureAt = now + _remeasureInterval;
                break;
            default:
                Learn(latency, rate, isBusy);
                if (isBusy)
                {
                    Adjust(latency, rate);
                    StartQuietIfDue(now);
                }

                break;
        }
    }

    private void Learn(double latency, double rate, bool isBusy)
    {
        if (_shortest == 0)
        {
            _shortest = (long)latency;
        }
        else if (latency < _shortest)
        {
            _shortest = (long)((_shortest * (1 - SmoothingOfLatency)) + (latency * SmoothingOfLatency));
        }

        if (rate >= _rate)
        {
            _rate = rate;
        }
        else if (isBusy)
        {
            _rate = (_rate * (1 - SmoothingOfRate)) + (rate * SmoothingOfRate);
        }
    }

    private void Adjust(double latency, double rate)
    {
        // Looks for more while more does not make calls slower, or the server does less than it could.
        bool explores = latency <= _shortest * (1 + LeastExplore) || rate <= _rate / (1 + LeastExplore);
        _explore = Math.Clamp(_explore + (explores ? ExploreStep : -ExploreStep), LeastExplore, MostExplore);
        double wanted = _rate / _frequency * (((2 + _explore) * _shortest) - latency);
        double least = _rate / _frequency * _shortest * Quiet;
        _current = Bounded((_current + Math.Max(wanted, least)) / 2);
    }

    private void StartQuietIfDue(long now)
    {
        if (now < _remeasureAt)
        {
            return;
        }

        _before = _current;
        _phase = Phase.Draining;
        _current = Math.Min(_current, Bounded(_rate / _frequency * _shortest * Quiet));
    }

    private int Bounded(double limit) => (int)Math.Clamp(Math.Ceiling(limit), _least, _most);
}
