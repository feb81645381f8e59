using System.CommandLine;
using System.Globalization;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Processes;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Fairness;

/// <summary><c>fairness</c>: what one bad connection costs the others, as the p99 of their calls alone and beside it.</summary>
internal static class FairnessCommand
{
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(30);

    public static Command Create()
    {
        Option<TransportKind> transport = Arguments.One("--transport", "The transport below Kestrel", Names.Transports);
        transport.Required = false;
        transport.DefaultValueFactory = _ => TransportKind.IoUring;
        Option<Scheduling> scheduling = Arguments.One("--scheduling", "Where the application's code runs", Names.Schedulings);
        scheduling.Required = false;
        scheduling.DefaultValueFactory = _ => Scheduling.Pool;
        Option<int> connections = Arguments.Number("--connections", "Connections that are measured", 16);
        Option<int> inFlight = Arguments.Number("--in-flight", "Outstanding calls on each of them", 4);
        Option<int> rounds = Arguments.Number("--rounds", "How often every scene is measured", 7);
        Option<double> seconds = Arguments.Seconds("--seconds", "Seconds measured each time", 0.8);
        Option<double> warmup = Arguments.Seconds("--warmup", "Seconds of load before the first", 7);
        var serverCore = new Option<int>("--server-core") { Description = "The server's core", DefaultValueFactory = _ => 0 };
        var clientCore = new Option<int>("--client-core") { Description = "The client's core", DefaultValueFactory = _ => 1 };
        var serve = new Option<bool>("--serve") { Description = "Be the server", Hidden = true };
        var command = new Command("fairness", "What one slow, long or stuck connection costs the others: the p99 of their calls alone and beside it, in turns.")
        {
            transport, scheduling, connections, inFlight, rounds, seconds, warmup, serverCore, clientCore, serve,
        };
        command.SetAction(line =>
        {
            var settings = new FairnessSettings(
                line.GetValue(transport),
                line.GetValue(scheduling),
                line.GetValue(connections),
                line.GetValue(inFlight),
                line.GetValue(rounds),
                TimeSpan.FromSeconds(line.GetValue(warmup)),
                TimeSpan.FromSeconds(line.GetValue(seconds)),
                line.GetValue(serverCore),
                line.GetValue(clientCore));
            return line.GetValue(serve) ? ServeAsync(settings) : MeasureAsync(settings);
        });
        return command;
    }

    private static async Task<int> ServeAsync(FairnessSettings settings)
    {
        await FairnessServer.RunAsync(settings.Transport, settings.Scheduling);
        return 0;
    }

    private static async Task<int> MeasureAsync(FairnessSettings settings)
    {
        using var signals = new StopSignals();
        try
        {
            foreach (string text in Machine.Describe().Lines())
            {
                Console.Out.WriteLine(text);
            }

            using ChildProcess server = ChildProcess.StartSelf(
                "the server",
                settings.ServerCore,
                ["fairness", "--serve", "--transport", Names.Of(settings.Transport), "--scheduling", Names.Of(settings.Scheduling)]);
            string port = await server.ReadLineAsync(StartTime, signals.Token);
            await server.ReadLineAsync(StartTime, signals.Token);
            FairnessReport report = new();

            // A thread of its own: it is pinned, and it never waits for others.
            await Task.Factory.StartNew(
                () => Measure(settings, int.Parse(port.Split(' ')[1], CultureInfo.InvariantCulture), report, signals.Token),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
            foreach (string text in report.Lines())
            {
                Console.Out.WriteLine(text);
            }

            await server.TerminateAsync(StartTime, CancellationToken.None);
            return 0;
        }
        catch (LoadException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("cancelled");
            return 130;
        }
    }

    private static void Measure(FairnessSettings settings, int port, FairnessReport report, CancellationToken cancellationToken)
    {
        using CpuAffinity pinned = new(settings.ClientCore);
        new FairnessRun(settings, port).Run((round, scene, tally) =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            double p99 = tally.Latency.Quantile(0.99) / 1000;
            report.Add(scene, tally.Latency.Quantile(0.5) / 1000, p99, tally.Replies / settings.Window.TotalSeconds);
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round {round + 1}, {scene}: p99 {p99:F0} us, {tally.Replies} calls"));
        });
    }
}
