using System.CommandLine;
using System.Diagnostics;
using System.Reflection;
using Kestrel.Rpc.Benchmarks.Load.Cli;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary><c>compare</c>: every variant against Kestrel's Sockets transport, in turns, in one run.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        Option<Workload[]> workloads = Arguments.Many("--workload", "What is measured", Names.Workloads);
        Option<Variant[]> variants = Arguments.Many("--variants", "The servers", Variants.ByName);
        var peers = Arguments.Many("--peers", "The servers the others are set against; they are measured too", Variants.ByName, "sockets and C among --variants");
        Option<int[]> connections = Arguments.Numbers("--connections", "Connections (default: 8 for upload and download, 64 for connect, else 64 and 512)");
        Option<int[]> inFlight = Arguments.Numbers("--in-flight", "Outstanding calls on each connection, for rpc", 1, 16);
        Option<int> rounds = Arguments.Number("--rounds", "How often every variant is measured", 5);
        Option<double> seconds = Arguments.Seconds("--seconds", "Seconds measured each time", 5);
        Option<double> warmup = Arguments.Seconds("--warmup", "Seconds of load before that", 4);
        var loops = new Option<int?>("--loops") { Description = "Event loops (Sockets: I/O queues). Default: the transport's own" };
        var serverCore = new Option<int>("--server-core") { Description = "The server's core", DefaultValueFactory = _ => 0 };
        var clientCore = new Option<int>("--client-core") { Description = "The client's core", DefaultValueFactory = _ => 1 };
        var json = new Option<FileInfo?>("--json") { Description = "Write every sample and summary into this file" };
        var command = new Command("compare", "Measure servers in turns, each pinned to a core of its own, and print medians and spreads.")
        {
            workloads, connections, variants, peers, inFlight, rounds, seconds, warmup, loops, serverCore, clientCore, json,
        };
        command.SetAction(line =>
        {
            if (Assembly.GetExecutingAssembly().GetCustomAttribute<DebuggableAttribute>()?.IsJITOptimizerDisabled == true)
            {
                Console.Error.WriteLine("This is a Debug build. Measure with: dotnet run -c Release --project benchmarks/Load -- compare");
                return Task.FromResult(2);
            }

            Variant[] measured = line.Chosen(variants, Variants.ByName);
            Variant[] against = line.GetValue(peers) is { Length: > 0 } named ? named : [.. Variants.StandardPeers.Intersect(measured)];
            var settings = new CompareSettings
            {
                Workloads = line.Chosen(workloads, Names.Workloads),
                Connections = line.GetValue(connections)!,
                InFlight = line.GetValue(inFlight)!,
                Variants = [.. measured.Union(against)],
                Peers = against,
                Rounds = line.GetValue(rounds),
                Window = TimeSpan.FromSeconds(line.GetValue(seconds)),
                Warmup = TimeSpan.FromSeconds(line.GetValue(warmup)),
                ServerCore = line.GetValue(serverCore),
                ClientCore = line.GetValue(clientCore),
                Loops = line.GetValue(loops),
            };
            return Comparison.RunAsync(settings, line.GetValue(json)?.FullName);
        });
        return command;
    }
}
