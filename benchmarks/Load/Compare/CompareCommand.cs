using System.CommandLine;
using System.Diagnostics;
using System.Reflection;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary><c>compare</c>: every variant against Kestrel's Sockets transport, in turns, in one run.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        Option<Workload[]> workloads = Arguments.Many("--workload", "What is measured", Names.Workloads);
        Option<Variant[]> variants = Arguments.Many("--variants", "The servers", Variants.ByName);
        var peers = Arguments.Many("--peers", "The servers the others are set against; they are measured too", Variants.ByName, "sockets and C among --variants");
        Option<int[]> connections = Arguments.Numbers("--connections", "Connections (default: 8 for upload and download, 64 for connect, 15000 for idle, else 64 and 512; quick 2000 for idle, else 64)");
        Option<int[]> inFlight = Arguments.Numbers("--in-flight", "Outstanding calls on each connection, for rpc (default: 1 and 16; quick 16)");
        var quick = new Option<bool>("--quick")
        {
            Description = "Everything once and briefly, in less than two minutes: shows that it all runs, and gross differences",
        };
        Option<int?> rounds = Arguments.OptionalNumber("--rounds", "How often every variant is measured", "5, quick 1");
        Option<double?> seconds = Arguments.OptionalSeconds("--seconds", "Seconds measured each time", "5, quick 0.4");
        Option<double?> warmup = Arguments.OptionalSeconds("--warmup", "Seconds of load before that", "4, quick 0.5");
        var loops = new Option<int?>("--loops") { Description = "Event loops (Sockets: I/O queues). Default: the transport's own" };
        var serverCore = new Option<int>("--server-core") { Description = "The server's core", DefaultValueFactory = _ => 0 };
        var clientCore = new Option<int>("--client-core") { Description = "The client's core", DefaultValueFactory = _ => 1 };
        var json = new Option<FileInfo?>("--json") { Description = "Write every sample and summary into this file" };
        var svg = new Option<FileInfo?>("--svg") { Description = "Draw CPU per request against connections into this file" };
        var command = new Command("compare", "Measure servers in turns, each pinned to a core of its own, and print medians and spreads.")
        {
            workloads, connections, variants, peers, inFlight, quick, rounds, seconds, warmup, loops, serverCore, clientCore, json, svg,
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
            CompareDefaults defaults = line.GetValue(quick) ? CompareDefaults.Quick : CompareDefaults.Full;
            var settings = new CompareSettings
            {
                Defaults = defaults,
                Workloads = line.Chosen(workloads, Names.Workloads),
                Connections = line.GetValue(connections)!,
                InFlight = line.GetValue(inFlight) is { Length: > 0 } calls ? calls : defaults.InFlight,
                Variants = [.. measured.Union(against)],
                Peers = against,
                Rounds = line.GetValue(rounds) ?? defaults.Rounds,
                Window = TimeSpan.FromSeconds(line.GetValue(seconds) ?? defaults.Seconds),
                Warmup = TimeSpan.FromSeconds(line.GetValue(warmup) ?? defaults.Warmup),
                ServerCore = line.GetValue(serverCore),
                ClientCore = line.GetValue(clientCore),
                Loops = line.GetValue(loops),
            };
            return Comparison.RunAsync(settings, line.GetValue(json)?.FullName, line.GetValue(svg)?.FullName);
        });
        return command;
    }
}
