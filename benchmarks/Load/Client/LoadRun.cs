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

    private ILoadLoop CreateLoop(Tally tally)
    {
        if (settings.Workload == Workload.Connect)
        {
            return settings.Over is null
                ? new ConnectClient(settings.Connections, tally)
                : throw new LoadException("the connect workload has a client of its own");
        }

        IEnumerable<Exchange> exchanges = Enumerable.Range(0, settings.Connections).Select(CreateExchange);
        return settings.Over is { } transport ? new FactoryClient(transport, exchanges, tally) : new LoadClient(exchanges, tally);
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    private ILoadLoop CreateLoop(Tally tally) => settings.Workload switch
    {
        Workload.Connect => new ConnectClient(settings.Connections, tally),
        Workload.PingPong => new PingPongClient(spin: false, tally),
        Workload.PingPongSpin => new PingPongClient(spin: true, tally),
        _ => new LoadClient(Enumerable.Range(0, settings.Connections).Select(CreateExchange), tally),
    };

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
