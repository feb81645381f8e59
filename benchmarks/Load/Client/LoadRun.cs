using System.Diagnostics;
using Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;
using Kestrel.Rpc.Benchmarks.Load.Client.Loops;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Client;

/// <summary>One run of the load client: connect, warm up, measure one window.</summary>
internal sealed class LoadRun(LoadSettings settings)
{
    /// <summary>Runs to the end of the window.</summary>
    /// <param name="measuring">Called when the window begins.</param>
    /// <param name="measured">Called at its end, while the connections are still open.</param>
    public void Run(Action measuring, Action<LoadResult> measured)
    {
        using ILoadLoop client = CreateLoop();
        client.Start(settings.Port);
        client.RunUntil(Stopwatch.GetTimestamp() + Ticks(settings.Warmup), new Tally());

        measuring();
        var tally = new Tally();
        ServerUsage before = ServerUsage.Take(settings);
        double clientBefore = ProcessProbe.CpuSeconds(Environment.ProcessId);
        long began = Stopwatch.GetTimestamp();
        client.RunUntil(began + Ticks(settings.Window), tally);
        TimeSpan took = Stopwatch.GetElapsedTime(began);
        var after = ServerUsage.Take(settings);
        measured(LoadResult.Of(tally, took, ProcessProbe.CpuSeconds(Environment.ProcessId) - clientBefore, before, after));
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    private ILoadLoop CreateLoop() => settings.Workload switch
    {
        Workload.Connect => new ConnectLoop(settings.Connections),
        Workload.PingPong => new PingPongLoop(spin: false),
        Workload.PingPongSpin => new PingPongLoop(spin: true),
        Workload.Dial => new DialLoop(settings.Over!.Value, settings.Connections),
        _ => new RequestLoop(Enumerable.Range(0, settings.Connections).Select(CreateExchange)),
    };

    private Exchange CreateExchange(int connection) => settings.Workload switch
    {
        Workload.Echo => new EchoExchange(connection),
        Workload.Http => HttpExchange.Plaintext(),
        Workload.Upload => HttpExchange.Upload(),
        Workload.Download => new DownloadExchange(),
        Workload.Rpc => new RpcExchange(settings.InFlight),
        Workload.Rpc2 => new RpcVersion2Exchange(settings.InFlight),
        _ => throw new InvalidOperationException($"workload {settings.Workload}"),
    };
}
