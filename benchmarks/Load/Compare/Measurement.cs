using System.Globalization;
using System.Text.Json;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Client;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Processes;
using Kestrel.Rpc.Benchmarks.Load.Serve;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>One measurement: a server of its own, a client of its own, one window.</summary>
internal sealed class Measurement(CompareSettings settings, LimitPrograms programs, PlanStep step)
{
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(10);

    /// <summary>The idle workload has no window: it takes as long as its connections take.</summary>
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(50);

    /// <summary>Starts both processes, measures, ends both.</summary>
    /// <exception cref="LoadException">A process failed, a reply was wrong, or a time limit passed.</exception>
    public async Task<Sample> RunAsync(CancellationToken cancellationToken)
    {
        using ChildProcess server = StartServer();
        int port = await ReadPortAsync(server, cancellationToken);

        // The first answer sets up the server's serialiser, whose allocations are not the workload's.
        await AskAsync(server, ControlChannel.StatisticsCommand, cancellationToken);
        using ChildProcess client = StartClient(port, server.Id);

        string line = await client.ReadLineAsync(StartTime + settings.Warmup, cancellationToken);
        if (line != LoadCommand.Measuring)
        {
            throw new LoadException($"the client said '{line}'");
        }

        bool idle = step.Scene.Workload == Workload.Idle;
        ServerStatistics? before = await AskAsync(server, idle ? ControlChannel.CollectCommand : ControlChannel.StatisticsCommand, cancellationToken);
        if (idle)
        {
            client.WriteLine("go");
        }

        line = await client.ReadLineAsync(AnswerTime + settings.Window + IdleTime, cancellationToken);
        ServerStatistics? after = await AskAsync(server, ControlChannel.StatisticsCommand, cancellationToken);
        LoadResult load = JsonSerializer.Deserialize<LoadResult>(line)!;
        MemoryUse? collected = null;
        if (idle && await AskAsync(server, ControlChannel.CollectCommand, cancellationToken) is not null)
        {
            collected = MemoryProbe.Of(server.Id);
        }

        await client.EndAsync(AnswerTime, cancellationToken);
        await server.TerminateAsync(AnswerTime, cancellationToken);
        if (load.Requests == 0)
        {
            throw new LoadException("no reply in the measured window");
        }

        return new Sample(step, load, after?.AllocatedBytes - before?.AllocatedBytes, after?.Collections - before?.Collections)
        {
            MemoryCollected = collected,
        };
    }

    private static async Task<int> ReadPortAsync(ChildProcess server, CancellationToken cancellationToken)
    {
        string line = await server.ReadLineAsync(StartTime, cancellationToken);
        if (line.Split(' ') is not ["port", var number] || !int.TryParse(number, CultureInfo.InvariantCulture, out int port))
        {
            throw new LoadException($"the server said '{line}', not its port");
        }

        line = await server.ReadLineAsync(StartTime, cancellationToken);
        return line == "ready" ? port : throw new LoadException($"the server said '{line}', not that it is ready");
    }

    private ChildProcess StartServer()
    {
        Scene scene = step.Scene;
        string name = $"the server ({step.Variant.Name})";
        if (step.Variant.Limit is { } source)
        {
            return ChildProcess.Start(name, settings.ServerCore, programs.PathOf(source), ["0", Names.Of(scene.Workload), .. step.Variant.Arguments]);
        }

        List<string> arguments =
        [
            "serve",
            "--workload", Names.Of(scene.Workload),
            "--transport", Names.Of(step.Variant.Transport!.Value),
            "--scheduling", Names.Of(step.Variant.Scheduling),
            "--port", "0",
            "--controlled",
        ];
        if (step.Variant.Polls)
        {
            arguments.Add("--polling");
        }

        if (settings.Loops is { } loops)
        {
            arguments.AddRange(["--loops", Text(loops)]);
        }

        return ChildProcess.StartSelf(name, settings.ServerCore, arguments);
    }

    private ChildProcess StartClient(int port, int serverProcess)
    {
        List<string> arguments =
        [
            "load",
            "--workload", Names.Of(step.Scene.Workload),
            "--port", Text(port),
            "--connections", Text(step.Scene.Connections),
            "--in-flight", Text(step.Scene.InFlight),
            "--warmup", Text(settings.Warmup.TotalSeconds),
            "--seconds", Text(settings.Window.TotalSeconds),
            "--server-process", Text(serverProcess),
            "--server-core", Text(settings.ServerCore),
            "--controlled",
        ];
        if (step.Scene.Workload == Workload.Dial)
        {
            arguments.AddRange(["--over", Names.Of(step.Variant.Transport!.Value)]);
        }

        return ChildProcess.StartSelf("the client", settings.ClientCore, arguments);
    }

    private async Task<ServerStatistics?> AskAsync(ChildProcess server, string command, CancellationToken cancellationToken)
    {
        if (step.Variant.Limit is not null)
        {
            return null;
        }

        server.WriteLine(command);
        return JsonSerializer.Deserialize<ServerStatistics>(await server.ReadLineAsync(AnswerTime, cancellationToken));
    }

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
