using System.CommandLine;
using System.Text.Json;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Processes;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.InProcess;

/// <summary>
/// <c>inprocess</c>: client and server in one process, over the in-process transport and over Sockets on loopback. Each
/// measurement is a process of its own; the CPU counted is that of client and server together.
/// </summary>
internal static class InProcessCommand
{
    private static readonly IReadOnlyDictionary<string, Workload> Workloads =
        Names.Workloads.Where(pair => pair.Value is Workload.Echo or Workload.Rpc).ToDictionary();

    public static Command Create()
    {
        Option<Workload[]> workloads = Arguments.Many("--workload", "What is asked for", Workloads);
        Option<int[]> connections = Arguments.Numbers("--connections", "Connections, each with one request outstanding", 1, 64);
        Option<int> rounds = Arguments.Number("--rounds", "How often every variant is measured", 5);
        Option<double> seconds = Arguments.Seconds("--seconds", "Seconds measured each time", 3);
        Option<double> warmup = Arguments.Seconds("--warmup", "Seconds of load before that", 2);
        var single = new Option<string?>("--single") { Description = "Measure one variant in this process, and print its figures as JSON", Hidden = true };
        var command = new Command("inprocess", "Client and server in one process: the in-process transport against Sockets on loopback.")
        {
            workloads, connections, rounds, seconds, warmup, single,
        };
        command.SetAction(line =>
        {
            var settings = new InProcessSettings(
                line.Chosen(workloads, Workloads),
                line.GetValue(connections)!,
                line.GetValue(rounds),
                TimeSpan.FromSeconds(line.GetValue(warmup)),
                TimeSpan.FromSeconds(line.GetValue(seconds)));
            return RunAsync(settings, line.GetValue(single));
        });
        return command;
    }

    private static async Task<int> RunAsync(InProcessSettings settings, string? single)
    {
        using var signals = new StopSignals();
        try
        {
            if (single is null)
            {
                await new InProcessComparison(settings).RunAsync(signals.Token);
            }
            else
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(await InProcessRun.RunAsync(InProcessVariant.Parse(single), settings, signals.Token)));
            }

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
}
