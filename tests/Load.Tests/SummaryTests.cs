using Kestrel.Rpc.Benchmarks.Load.Compare;
using Kestrel.Rpc.Benchmarks.Load.Compare.Reporting;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

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

    [Fact]
    public void Difference_OfAllocatedBytes_IsWhatTheServerAddsToThePeer()
    {
        Sample[] samples =
        [
            Of(Variants.SocketsPool, 1, 10) with { AllocatedBytes = 120_000_000 }, Of(Variants.EpollPool, 1, 5) with { AllocatedBytes = 120_000_000 },
            Of(Variants.EpollPool, 2, 5) with { AllocatedBytes = 123_000_000 }, Of(Variants.SocketsPool, 2, 10) with { AllocatedBytes = 121_000_000 },
        ];

        Assert.Equal(new Spread(1, 0, 2), new Summary(samples, Variants.EpollPool).Difference(Allocated, Variants.SocketsPool));
        Assert.Null(new Summary(samples, Variants.SocketsPool).Difference(Allocated, Variants.SocketsPool));
        Assert.Null(new Summary(samples, Variants.EpollPool).Difference(Allocated, Variants.CEpoll));
    }

    [Fact]
    public void Of_MemoryOfIdleConnections_IsTheGrowthForEach()
    {
        var scene = new Scene(Workload.Idle, 1000, 1);
        Sample sample = SampleFactory.Create(scene, Variants.EpollPool, 1, 1);
        sample = sample with
        {
            Load = sample.Load with { Requests = 1000, MemoryBefore = new MemoryUse(50_000_000, 20_000_000), MemoryAfter = new MemoryUse(53_000_000, 24_000_000) },
            MemoryCollected = new MemoryUse(52_000_000, 22_500_000),
        };
        var summary = new Summary([sample], Variants.EpollPool);

        double[] figures = [.. Figures.Of(Workload.Idle).Take(4).Select(figure => summary.Of(figure)!.Value.Median)];

        Assert.Equal([4000, 2500, 3000, 2000], figures);
    }

    [Fact]
    public void Of_MemoryOfAProgramThatHasNoGarbage_IsNothingAfterACollection()
    {
        Sample sample = SampleFactory.Create(new Scene(Workload.Idle, 1000, 1), Variants.CEpoll, 1, 1);
        sample = sample with { Load = sample.Load with { MemoryBefore = new MemoryUse(0, 0), MemoryAfter = new MemoryUse(1000, 1000) } };
        Figure live = Figures.Of(Workload.Idle).Single(figure => figure.Name == "memoryLive");

        Assert.Null(new Summary([sample], Variants.CEpoll).Of(live));
    }

    private static Sample Of(Variant variant, int round, double microseconds) => SampleFactory.Create(Scene, variant, round, microseconds);
}
