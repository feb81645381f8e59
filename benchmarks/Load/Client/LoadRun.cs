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
        using ILoadLoop client = settings.Workload == Workload.Connect
            ? new ConnectClient(settings.Connections, tally)
            : new LoadClient(Enumerable.Range(0, settings.Connections).Select(CreateExchange), tally);
        client.Start(settings.Port);
        client.RunUntil(Stopwatch.GetTimestamp() + Ticks(settings.Warmup));

        tally.Clear();
        measuring();
        Usage before = TakeUsage();
        long began = Stopwatch.GetTimestamp();
        client.RunUntil(began + Ticks(settings.Window));
        long ended = Stopwatch.GetTimestamp();
        Usage after = TakeUsage();
        measured(Summarise(tally, Stopwatch.GetElapsedTime(began, ended), before, after));
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    private static LoadResult Summarise(Tally tally, TimeSpan took, Usage before, Usage after) => new()
    {
        Requests = tally.Replies,
        Seconds = took.TotalSeconds,
        P50 = tally.Latency.Quantile(0.5) / 1000,
        P99 = tally.Latency.Quantile(0.99) / 1000,
        P999 = tally.Latency.Quantile(0.999) / 1000,
        Maximum = tally.Latency.Maximum / 1000.0,
        ClientCpu = after.Client - before.Client,
        ServerCpu = after.Server - before.Server,
        ServerUser = after.ServerUser - before.ServerUser,
        ServerResident = after.ServerResident,
        ServerSwitches = ThreadSwitches.Between(before.ServerSwitches, after.ServerSwitches),
        ServerCoreBusy = after.ServerCore - before.ServerCore,
    };

    private Usage TakeUsage()
    {
        var usage = default(Usage);
        if (settings.ServerProcess is { } pid)
        {
            usage.Server = ProcessProbe.CpuSeconds(pid);
            usage.ServerUser = ProcessProbe.UserSeconds(pid);
            usage.ServerResident = ProcessProbe.ResidentBytes(pid);
            usage.ServerSwitches = ThreadSwitches.Of(pid);
        }

        if (settings.ServerCore is { } core)
        {
            usage.ServerCore = ProcessProbe.CoreBusySeconds(core);
        }

        usage.Client = ProcessProbe.CpuSeconds(Environment.ProcessId);
        return usage;
    }

    private Exchange CreateExchange(int connection) => settings.Workload switch
    {
        Workload.Echo => new EchoExchange(connection),
        Workload.Http => HttpExchange.Plaintext(),
        Workload.Upload => HttpExchange.Upload(),
        Workload.Download => new DownloadExchange(),
        Workload.Rpc => new RpcExchange(settings.InFlight),
        _ => throw new InvalidOperationException($"workload {settings.Workload}"),
    };

    private struct Usage
    {
        public double Server;
        public double ServerUser;
        public double ServerCore;
        public double Client;
        public long ServerResident;
        public IReadOnlyDictionary<int, long>? ServerSwitches;
    }
}
