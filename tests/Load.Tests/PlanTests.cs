using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Compare;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Load.Tests;

public sealed class PlanTests
{
    [Fact]
    public void Steps_EveryRound_MeasureEveryVariantOnce()
    {
        Plan plan = Everything(Settings([Workload.Echo], Variants.SocketsPool, Variants.IoUringInline, Variants.CEpoll));

        Assert.All(
            plan.Steps.GroupBy(step => (step.Scene, step.Round)),
            round => Assert.Equal(
                ["c-epoll", "iouring-inline", "sockets-pool"],
                round.Select(step => step.Variant.Name).Order(StringComparer.Ordinal)));
        Assert.Equal(2 * 3 * 3, plan.Steps.Count);
    }

    [Fact]
    public void Steps_EveryOtherRound_GoBackwards()
    {
        Plan plan = Everything(Settings([Workload.Echo], Variants.SocketsPool, Variants.EpollPool));
        (string, int)[][] rounds = [.. plan.Steps.Select(step => (step.Variant.Name, step.Scene.Connections)).Chunk(4)];

        Assert.Equal([("sockets-pool", 64), ("epoll-pool", 64), ("sockets-pool", 512), ("epoll-pool", 512)], rounds[0]);
        Assert.Equal(rounds[0].Reverse(), rounds[1]);
        Assert.Equal(rounds[0], rounds[2]);
    }

    [Fact]
    public void Scenes_CallsInFlight_ConcernRpcAlone()
    {
        Plan plan = Everything(Settings([Workload.Http, Workload.Rpc], Variants.SocketsPool));

        Assert.Equal(
            [
                new Scene(Workload.Http, 64, 1),
                new Scene(Workload.Http, 512, 1),
                new Scene(Workload.Rpc, 64, 1),
                new Scene(Workload.Rpc, 64, 16),
                new Scene(Workload.Rpc, 512, 1),
                new Scene(Workload.Rpc, 512, 16),
            ],
            plan.Scenes);
    }

    [Fact]
    public void Scenes_WithoutConnections_TakeThoseOfTheWorkload()
    {
        CompareSettings settings = Settings([Workload.Echo, Workload.Upload, Workload.Connect], Variants.SocketsPool) with { Connections = [] };

        Assert.Equal(
            [new Scene(Workload.Echo, 64, 1), new Scene(Workload.Echo, 512, 1), new Scene(Workload.Upload, 8, 1), new Scene(Workload.Connect, 64, 1)],
            Everything(settings).Scenes);
    }

    [Fact]
    public void VariantsOf_SceneBeyondTheCPrograms_HasNone()
    {
        Plan plan = Everything(Settings([Workload.Echo, Workload.Rpc, Workload.Download], Variants.SocketsPool, Variants.CEpoll));

        Assert.All(plan.Scenes, scene => Assert.Equal(
            scene.Workload == Workload.Echo, plan.VariantsOf(scene).Contains(Variants.CEpoll)));
    }

    [Fact]
    public void Steps_VariantThatCannotRunHere_IsLeftOut()
    {
        var plan = new Plan(
            Settings([Workload.Echo, Workload.Rpc], Variants.CEpoll, Variants.CIoUring),
            variant => variant != Variants.CIoUring);

        Assert.All(plan.Steps, step => Assert.Equal(Variants.CEpoll, step.Variant));
        Assert.All(plan.Scenes, scene => Assert.Equal(Workload.Echo, scene.Workload));
    }

    [Fact]
    public void Scenes_PingPong_HasOneConnectionWhateverWasAskedFor()
    {
        Plan plan = Everything(Settings([Workload.PingPong, Workload.PingPongSpin], Variants.SocketsPool));

        Assert.Equal([new Scene(Workload.PingPong, 1, 1), new Scene(Workload.PingPongSpin, 1, 1)], plan.Scenes);
    }

    [Fact]
    public void VariantsOf_ServersThatPoll_AreMeasuredInPingPongAlone()
    {
        Plan plan = Everything(Settings([Workload.Echo, Workload.Idle, Workload.PingPong, Workload.PingPongSpin], Variants.SocketsPool, Variants.CEpollPolling, Variants.IoUringPolling));

        Assert.All(plan.Scenes, scene => Assert.Equal(
            scene.Workload is Workload.PingPong or Workload.PingPongSpin, plan.VariantsOf(scene).Count == 3));
    }

    [Fact]
    public void VariantsOf_Dial_AreTheInlineTransportsWithAConnectionFactory()
    {
        Plan plan = Everything(Settings([Workload.Dial], [.. Variants.ByName.Values]) with { Connections = [] });

        Assert.Equal([new Scene(Workload.Dial, 64, 1)], plan.Scenes);
        Assert.Equal([Variants.EpollInline, Variants.IoUringInline], plan.VariantsOf(plan.Scenes[0]));
    }

    [Fact]
    public void Steps_QuickComparisonOfEverything_FitIntoTwoMinutes()
    {
        CompareDefaults quick = CompareDefaults.Quick;
        Plan plan = Everything(new CompareSettings
        {
            Defaults = quick,
            Workloads = [.. Names.Workloads.Values],
            Connections = [],
            InFlight = quick.InFlight,
            Variants = [.. Variants.ByName.Values],
            Peers = [],
            Rounds = quick.Rounds,
            Window = TimeSpan.FromSeconds(quick.Seconds),
            Warmup = TimeSpan.FromSeconds(quick.Warmup),
            ServerCore = 0,
            ClientCore = 1,
        });

        // On a quiet machine two processes start and end within 0.4 s.
        Assert.Equal(Names.Workloads.Count, plan.Scenes.Count);
        Assert.InRange(plan.Steps.Count * (0.5 + quick.Seconds + quick.Warmup), 0, 120);
    }

    private static Plan Everything(CompareSettings settings) => new(settings, _ => true);

    private static CompareSettings Settings(Workload[] workloads, params Variant[] variants) => new()
    {
        Workloads = workloads,
        Connections = [64, 512],
        InFlight = [1, 16],
        Variants = variants,
        Peers = [variants[0]],
        Rounds = 3,
        Window = TimeSpan.FromSeconds(1),
        Warmup = TimeSpan.FromSeconds(1),
        ServerCore = 0,
        ClientCore = 1,
    };
}
