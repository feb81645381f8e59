using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Compare;

namespace Kestrel.Rpc.Load.Tests;

public sealed class PlanTests
{
    [Fact]
    public void Steps_EveryRound_MeasureEveryVariantOnce()
    {
        var plan = new Plan(Settings([Workload.Echo], [TransportKind.IoUring]), []);

        Assert.All(
            plan.Steps.GroupBy(step => (step.Scene, step.Round)),
            round => Assert.Equal(
                ["io_uring inline", "io_uring pool", "sockets inline", "sockets pool"],
                round.Select(step => step.Variant.Name).Order(StringComparer.Ordinal)));
        Assert.Equal(2 * 3 * 4, plan.Steps.Count);
    }

    [Fact]
    public void Steps_EveryOtherRound_GoBackwards()
    {
        var plan = new Plan(Settings([Workload.Echo], [TransportKind.Epoll]), []);
        string[][] rounds = [.. plan.Steps.Take(12).Select(step => step.Variant.Name).Chunk(4)];

        Assert.Equal(rounds[0].Reverse(), rounds[1]);
        Assert.Equal(rounds[0], rounds[2]);
    }

    [Fact]
    public void Scenes_CallsInFlight_ConcernRpcAlone()
    {
        var plan = new Plan(Settings([Workload.Http, Workload.Rpc], []), []);

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
    public void VariantsOf_RpcScene_HasNoCProgram()
    {
        var plan = new Plan(Settings([Workload.Echo, Workload.Rpc], []), [new LimitProgram("C epoll", "epoll_server")]);

        Assert.Contains(plan.VariantsOf(plan.Scenes[0]), variant => variant.Program is not null);
        Assert.DoesNotContain(plan.VariantsOf(plan.Scenes[^1]), variant => variant.Program is not null);
    }

    private static CompareSettings Settings(Workload[] workloads, TransportKind[] transports) => new()
    {
        Workloads = workloads,
        Connections = [64, 512],
        InFlight = [1, 16],
        Transports = transports,
        Schedulings = [Scheduling.Pool, Scheduling.Inline],
        Rounds = 3,
        Window = TimeSpan.FromSeconds(1),
        Warmup = TimeSpan.FromSeconds(1),
        ServerCore = 0,
        ClientCore = 1,
    };
}
