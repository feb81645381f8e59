using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Compare;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Load.Tests;

public sealed class SummaryTests
{
    private static readonly Scene Scene = new(Workload.Echo, 64, 1);
    private static readonly Figure Cpu = Figures.Of(Workload.Echo).Single(figure => figure.Name == "cpu");
    private static readonly Figure Allocated = Figures.Of(Workload.Echo).Single(figure => figure.Name == "allocated");

    [Fact]
    public void Ratio_DriftingMachine_ComparesRoundByRound()
    {
        // The machine gets slower from round to round; the ratio stays the same.
        Sample[] samples =
        [
            Of(Variants.SocketsPool, 1, 10), Of(Variants.EpollPool, 1, 5),
            Of(Variants.EpollPool, 2, 20), Of(Variants.SocketsPool, 2, 40),
            Of(Variants.SocketsPool, 3, 60), Of(Variants.EpollPool, 3, 30),
        ];

        var summary = new Summary(samples, Variants.EpollPool);

        Assert.Equal(new Spread(0.5, 0.5, 0.5), summary.Ratio(Cpu, Variants.SocketsPool));
        Assert.Equal(new Spread(20, 5, 30), summary.Of(Cpu));
        Assert.Null(new Summary(samples, Variants.SocketsPool).Ratio(Cpu, Variants.SocketsPool));
        Assert.Null(summary.Ratio(Cpu, Variants.SocketsInline));
    }

    [Fact]
    public void Of_WhatACProgramCannotTell_IsNothing()
    {
        Sample[] samples = [Of(Variants.CEpoll, 1, 4), Of(Variants.SocketsPool, 1, 10)];

        Assert.Null(new Summary(samples, Variants.CEpoll).Of(Allocated));
        Assert.Null(new Summary(samples, Variants.CEpoll).Ratio(Allocated, Variants.SocketsPool));
        Assert.Equal(new Spread(2, 2, 2), new Summary(samples, Variants.SocketsPool).Of(Allocated));
        Assert.Equal(new Spread(0.4, 0.4, 0.4), new Summary(samples, Variants.CEpoll).Ratio(Cpu, Variants.SocketsPool));
    }

    private static Sample Of(Variant variant, int round, double microseconds) => SampleFactory.Create(Scene, variant, round, microseconds);
}
