using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Client;
using Kestrel.Rpc.Benchmarks.Load.Compare;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Load.Tests;

public sealed class SummaryTests
{
    private static readonly Variant Sockets = Variant.Of(TransportKind.Sockets, Scheduling.Inline);
    private static readonly Variant Epoll = Variant.Of(TransportKind.Epoll, Scheduling.Inline);

    [Fact]
    public void RatioToSockets_DriftingMachine_ComparesRoundByRound()
    {
        // The machine gets slower from round to round; the ratio stays the same.
        Sample[] samples =
        [
            SampleOf(Sockets, 1, 10), SampleOf(Epoll, 1, 5),
            SampleOf(Epoll, 2, 20), SampleOf(Sockets, 2, 40),
            SampleOf(Sockets, 3, 60), SampleOf(Epoll, 3, 30),
        ];

        var summary = new Summary(samples, Epoll);

        Assert.Equal(new Spread(0.5, 0.5, 0.5), summary.RatioToSockets);
        Assert.Equal(new Spread(20, 5, 30), summary.Cpu);
        Assert.Null(new Summary(samples, Sockets).RatioToSockets);
    }

    [Fact]
    public void RatioToSockets_OfACProgram_IsThatToInlineSockets()
    {
        var program = Variant.Of(new LimitProgram("C epoll", "epoll_server"));

        var summary = new Summary([SampleOf(Sockets, 1, 10), SampleOf(program, 1, 4)], program);

        Assert.Equal(new Spread(0.4, 0.4, 0.4), summary.RatioToSockets);
        Assert.Null(summary.Allocated);
    }

    private static Sample SampleOf(Variant variant, int round, double microseconds)
    {
        var load = new LoadResult
        {
            Requests = 1_000_000,
            Seconds = 100,
            P50 = 1,
            P99 = 1,
            P999 = 1,
            Maximum = 1,
            ClientCpu = 1,
            ServerCpu = microseconds,
            ServerUser = 1,
            ServerResident = 1,
            ServerCoreBusy = 1,
        };
        bool managed = variant.Program is null;
        return new Sample(new PlanStep(new Scene(Workload.Echo, 64, 1), variant, round), load, managed ? 1 : null, managed ? 0 : null);
    }
}
