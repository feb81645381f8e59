using System.Globalization;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The adaptive limit against a server that is simulated, with a clock of its own: no thread, no chance.</summary>
public sealed class AdaptiveLimitTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(1, 5), InlineData(8, 5), InlineData(16, 1), InlineData(100, 20)]
    public void Limit_TwiceTheLoadThatFits_SettlesALittleAboveWhatKeepsTheServerBusy(int workers, int serviceMilliseconds)
    {
        LimitSimulation simulation = new(workers, serviceMilliseconds, initialLimit: 1000);
        double capacity = workers * 1000.0 / serviceMilliseconds;

        simulation.Run(20 * Second, arrivalsPerSecond: 2 * capacity);
        simulation.StartCounting();
        simulation.Run(10 * Second, arrivalsPerSecond: 2 * capacity);

        Assert.InRange(simulation.Limit.Current, workers / 2, (1.7 * workers) + 1); // half of what it is, while the shortest latency is measured
        Assert.True(simulation.Goodput(10 * Second) > 0.9 * capacity, $"{simulation.Goodput(10 * Second)} of {capacity}");
        Assert.True(simulation.MeanLatency < 3 * serviceMilliseconds, $"{simulation.MeanLatency} ms for calls of {serviceMilliseconds} ms");
    }

    [Theory]
    [InlineData(16, 5), InlineData(8, 20), InlineData(100, 20)]
    public void Limit_CallsOfUnevenLength_KeepTheServerBusyAndTheirLatencyInBounds(int workers, int serviceMilliseconds)
    {
        // Each takes between half and one and a half of it, and in every tenth of a second all are up to a half slower.
        LimitSimulation simulation = new(workers, serviceMilliseconds, initialLimit: 40) { Uneven = new Random(12345) };
        double capacity = workers * 1000.0 / serviceMilliseconds / 1.25;

        simulation.Run(20 * Second, arrivalsPerSecond: 2 * capacity);
        simulation.StartCounting();
        simulation.Run(20 * Second, arrivalsPerSecond: 2 * capacity);

        Assert.True(simulation.Goodput(20 * Second) > 0.9 * capacity, $"{simulation.Goodput(20 * Second)} of {capacity}");
        Assert.True(simulation.MeanLatency < 4 * serviceMilliseconds, $"{simulation.MeanLatency} ms for calls of {serviceMilliseconds} ms");
    }

    [Theory]
    [InlineData(1), InlineData(4), InlineData(1000)]
    public void Limit_BeginsTooLowOrTooHigh_FindsWhatKeepsTheServerBusy(int initialLimit)
    {
        LimitSimulation simulation = new(workers: 32, serviceMilliseconds: 5, initialLimit);

        simulation.Run(30 * Second, arrivalsPerSecond: 2 * 6400);

        Assert.InRange(simulation.Limit.Current, 16, 60); // likewise
    }

    // One processor that computes: the first bound of 40 is a queue of 39, and nothing but less load shows that calls could take less.
    [Theory]
    [InlineData(1, 1), InlineData(2, 1), InlineData(1, 10)]
    public void Limit_BeginsWithAQueue_HasFoundTheShortestLatencyAfterSomeSeconds(int workers, int serviceMilliseconds)
    {
        LimitSimulation simulation = new(workers, serviceMilliseconds, initialLimit: 40);
        double capacity = workers * 1000.0 / serviceMilliseconds;

        simulation.Run(5 * Second, arrivalsPerSecond: 2 * capacity);
        simulation.StartCounting();
        simulation.Run(5 * Second, arrivalsPerSecond: 2 * capacity);

        Assert.True(simulation.MeanLatency < 3 * serviceMilliseconds, $"{simulation.MeanLatency} ms for calls of {serviceMilliseconds} ms, {simulation}");
        Assert.True(simulation.Goodput(5 * Second) > 0.9 * capacity, $"{simulation.Goodput(5 * Second)} of {capacity}");
    }

    [Fact]
    public void Limit_ServerGetsFourTimesSlower_FollowsAndDoesNotStarve()
    {
        LimitSimulation simulation = new(workers: 16, serviceMilliseconds: 5, initialLimit: 40);
        simulation.Run(15 * Second, arrivalsPerSecond: 6400);

        simulation.ServiceMilliseconds = 20;
        simulation.Run(30 * Second, arrivalsPerSecond: 6400);
        simulation.StartCounting();
        simulation.Run(10 * Second, arrivalsPerSecond: 6400);

        Assert.InRange(simulation.Limit.Current, 8, 30); // half of what it is, while the shortest latency is measured
        Assert.True(simulation.Goodput(10 * Second) > 0.9 * 800, $"{simulation.Goodput(10 * Second)} of 800");
    }

    [Fact]
    public void Limit_ServerGetsFasterAgain_FollowsAndUsesIt()
    {
        LimitSimulation simulation = new(workers: 16, serviceMilliseconds: 20, initialLimit: 40);
        simulation.Run(15 * Second, arrivalsPerSecond: 6400);

        simulation.ServiceMilliseconds = 5;
        simulation.Run(15 * Second, arrivalsPerSecond: 6400);
        simulation.StartCounting();
        simulation.Run(10 * Second, arrivalsPerSecond: 6400);

        Assert.True(simulation.Goodput(10 * Second) > 0.9 * 3200, $"{simulation.Goodput(10 * Second)} of 3200");
    }

    [Fact]
    public void Limit_ServerLosesHalfOfItsWorkers_Follows()
    {
        LimitSimulation simulation = new(workers: 32, serviceMilliseconds: 5, initialLimit: 40);
        simulation.Run(15 * Second, arrivalsPerSecond: 12800);

        simulation.Workers = 16;
        simulation.Run(30 * Second, arrivalsPerSecond: 12800);
        simulation.StartCounting();
        simulation.Run(10 * Second, arrivalsPerSecond: 12800);

        Assert.InRange(simulation.Limit.Current, 8, 30); // half of what it is, while the shortest latency is measured
        Assert.True(simulation.Goodput(10 * Second) > 0.9 * 3200, $"{simulation.Goodput(10 * Second)} of 3200");
    }

    [Fact]
    public void Limit_LittleLoad_IsKept()
    {
        LimitSimulation simulation = new(workers: 16, serviceMilliseconds: 5, initialLimit: 40);

        simulation.Run(60 * Second, arrivalsPerSecond: 300);

        Assert.Equal(40, simulation.Limit.Current);
        Assert.Equal(0, simulation.Refused);
    }

    [Fact]
    public void Limit_EveryCallFails_StaysAboveTheLeast()
    {
        LimitSimulation simulation = new(workers: 16, serviceMilliseconds: 5, initialLimit: 40) { Failure = RpcStatusCode.DeadlineExceeded };

        simulation.Run(20 * Second, arrivalsPerSecond: 6400);

        Assert.InRange(simulation.Limit.Current, 1, 40);
        Assert.True(simulation.Ended > 0);
    }

    [Fact]
    public void Limit_MostIsGiven_IsNeverAboveIt()
    {
        LimitSimulation simulation = new(workers: 64, serviceMilliseconds: 5, initialLimit: 40, most: 20);

        simulation.Run(20 * Second, arrivalsPerSecond: 25600);

        Assert.Equal(20, simulation.Limit.Current);
    }

    /// <summary>Workers that take calls in order of arrival; those let in and not taken wait. Time goes in steps of 0.1 ms.</summary>
    private sealed class LimitSimulation(int workers, int serviceMilliseconds, int initialLimit, int most = 1_000_000)
    {
        private const long Step = TimeSpan.TicksPerMillisecond / 10;

        private readonly Queue<long> _waiting = new();
        private readonly PriorityQueue<long, long> _running = new(); // when they were let in, by when they end
        private long _now;
        private double _arrivals;
        private double _latencies;
        private long _counted;
        private long _tenth;
        private double _slownessOfTenth = 1;

        public RpcAdaptiveLimit Limit { get; } = new(new RpcAdaptiveConcurrencyOptions { InitialLimit = initialLimit }, most, new ManualTime());

        public int Workers { get; set; } = workers;

        public int ServiceMilliseconds { get; set; } = serviceMilliseconds;

        public RpcStatusCode? Failure { get; init; }

        public Random? Uneven { get; init; }

        public long Refused { get; private set; }

        public long Ended { get; private set; }

        public double MeanLatency => _latencies / _counted / TimeSpan.TicksPerMillisecond;

        public double Goodput(TimeSpan time) => _counted / time.TotalSeconds;

        public void StartCounting()
        {
            _counted = 0;
            _latencies = 0;
        }

        public void Run(TimeSpan time, double arrivalsPerSecond)
        {
            for (long end = _now + time.Ticks; _now < end; _now += Step)
            {
                while (_running.TryPeek(out long admitted, out long due) && due <= _now)
                {
                    _running.Dequeue();
                    End(admitted);
                }

                for (_arrivals += arrivalsPerSecond * Step / TimeSpan.TicksPerSecond; _arrivals >= 1; _arrivals--)
                {
                    if (_waiting.Count + _running.Count < Limit.Current)
                    {
                        _waiting.Enqueue(_now);
                    }
                    else
                    {
                        Refused++;
                    }
                }

                while (_running.Count < Workers && _waiting.TryDequeue(out long next))
                {
                    _running.Enqueue(next, _now + (long)(ServiceMilliseconds * TimeSpan.TicksPerMillisecond * Slowness()));
                }
            }
        }

        private double Slowness()
        {
            if (Uneven is null)
            {
                return 1;
            }

            if (_now / (TimeSpan.TicksPerSecond / 10) != _tenth)
            {
                _tenth = _now / (TimeSpan.TicksPerSecond / 10);
                _slownessOfTenth = 1 + (Uneven.NextDouble() / 2);
            }

            return _slownessOfTenth * (0.5 + Uneven.NextDouble());
        }

        private void End(long admitted)
        {
            long latency = _now - admitted;
            Ended++;
            _counted++;
            _latencies += latency;
            Limit.OnEnded(_now, latency, Failure, _waiting.Count + _running.Count + 1);
        }

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"limit {Limit.Current}, {MeanLatency:F1} ms");
    }
}
