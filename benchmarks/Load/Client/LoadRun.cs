using System.Diagnostics;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Client;

/// <summary>One run of the load client: connect, warm up, measure one window.</summary>
internal sealed class LoadRun(LoadSettings settings)
{
    /// <summary>Runs to the end of the window.</summary>
    /// <param name="measuring">Called when the window begins.</param>
    /// <param name="measured">Called at its end, while the connections are still open.</param>
    public void Run(Action measuring, Action<LoadResult> measured)
    {
        var tally = new Tally();
        using ILoadLoop client = CreateLoop(tally);
        client.Start(settings.Port);
        client.RunUntil(Stopwatch.GetTimestamp() + Ticks(settings.Warmup));

        tally.Clear();
        measuring();
        ServerUsage before = ServerUsage.Take(settings);
        double clientBefore = ProcessProbe.CpuSeconds(Environment.ProcessId);
        long began = Stopwatch.GetTimestamp();
        client.RunUntil(began + Ticks(settings.Window));
        TimeSpan took = Stopwatch.GetElapsedTime(began);
        var after = ServerUsage.Take(settings);
        measured(LoadResult.Of(tally, took, ProcessProbe.CpuSeconds(Environment.ProcessId) - clientBefore, before, after));
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    private ILoadLoop CreateLoop(Tally tally) => (settings.Workload, settings.Over) switch
    {
        (Workload.Connect, null) => new ConnectClient(settings.Connections, tally),
        (Workload.PingPong, null) => new PingPongClient(spin: false, tally),
        (Workload.PingPongSpin, null) => new PingPongClient(spin: true, tally),
        (Workload.Connect or Workload.PingPong or Workload.PingPongSpin, _) =>
            throw new LoadException($"the {settings.Workload} workload has a client of its own"),
        (_, { } transport) => new FactoryClient(transport, Exchanges(), tally),
        _ => new LoadClient(Exchanges(), tally),
    };

    private IEnumerable<Exchange> Exchanges() => Enumerable.Range(0, settings.Connections).Select(CreateExchange);

    private Exchange CreateExchange(int connection) => settings.Workload switch
    {
        Workload.Echo => new EchoExchange(connection),
        Workload.Http => HttpExchange.Plaintext(),
        Workload.Upload => HttpExchange.Upload(),
        Workload.Download => new DownloadExchange(),
        Workload.Rpc => new RpcExchange(settings.InFlight),
        _ => throw new InvalidOperationException($"workload {settings.Workload}"),
    };
}
