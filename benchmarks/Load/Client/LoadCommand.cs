using System.CommandLine;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Compare.Reporting;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Workloads;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Benchmarks.Load.Client;

/// <summary><c>load</c>: the load client alone, against any server on this machine.</summary>
internal static class LoadCommand
{
    /// <summary>The line a controlled client prints when its window begins.</summary>
    public const string Measuring = "measuring";

    public static Command Create()
    {
        Option<Workload> workload = Arguments.One("--workload", "What it asks for", Names.Workloads);
        var port = new Option<int>("--port") { Description = "The server's TCP port on 127.0.0.1", Required = true };
        Option<int> connections = Arguments.Number("--connections", "Connections kept open", 64);
        Option<int> inFlight = Arguments.Number("--in-flight", "Outstanding calls on each connection (rpc)", 1);
        Option<double> warmup = Arguments.Seconds("--warmup", "Seconds of load that are not measured", 4);
        Option<double> seconds = Arguments.Seconds("--seconds", "Seconds that are measured", 5);
        var serverProcess = new Option<int?>("--server-process") { Description = "The server's process id, to measure its CPU and memory" };
        var serverCore = new Option<int?>("--server-core") { Description = "The core the server is pinned to" };
        Option<string?> over = new("--over")
        {
            Description = "The transport whose connection factory connects (dial): epoll or io_uring",
        };
        over.AcceptOnlyFromAmong(Names.Of(TransportKind.Epoll), Names.Of(TransportKind.IoUring));
        var controlled = new Option<bool>("--controlled")
        {
            Description = "Print 'measuring', then the result as JSON; keep the connections until standard input ends. idle waits for a line before it begins",
        };
        var command = new Command("load", "Put load on a server and print what it costs.")
        {
            workload, port, connections, inFlight, warmup, seconds, serverProcess, serverCore, over, controlled,
        };
        command.SetAction(line =>
        {
            var settings = new LoadSettings(
                line.GetValue(workload),
                line.GetValue(port),
                line.GetValue(connections),
                line.GetValue(inFlight),
                TimeSpan.FromSeconds(line.GetValue(warmup)),
                TimeSpan.FromSeconds(line.GetValue(seconds)),
                line.GetValue(serverProcess),
                line.GetValue(serverCore),
                line.GetValue(over) is { } transport ? Names.Transports[transport] : null);
            return Run(settings, line.GetValue(controlled));
        });
        return command;
    }

    private static int Run(LoadSettings settings, bool controlled)
    {
        try
        {
            if (settings.Workload == Workload.Dial != settings.Over is not null)
            {
                throw new LoadException(settings.Over is null ? "dial needs --over" : $"--over is for dial, not for {Names.Of(settings.Workload)}");
            }

            if (settings.Workload == Workload.Idle)
            {
                new IdleRun(settings).Run(() => Begin(awaitsGo: controlled), result => Report(result, controlled));
            }
            else
            {
                new LoadRun(settings).Run(() => Begin(awaitsGo: false), result => Report(result, controlled));
            }

            return 0;
        }
        catch (Exception e) when (e is LoadException or SocketException or ConnectionResetException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    /// <param name="awaitsGo">Whether to wait for a line: time for the server to collect its garbage.</param>
    private static void Begin(bool awaitsGo)
    {
        Console.Out.WriteLine(Measuring);
        if (awaitsGo)
        {
            Console.In.ReadLine();
        }
    }

    private static void Report(LoadResult result, bool controlled)
    {
        if (controlled)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(result));
            Console.In.ReadToEnd();
            return;
        }

        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{result.Requests} requests, {result.RequestsPerSecond:F0}/s, p50 {result.P50:F1} us, p99 {result.P99:F1} us, p99.9 {result.P999:F1} us"));
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"client: {result.ClientMicrosecondsPerRequest:F2} us of CPU per request"));
        if (result.ServerCpu > 0)
        {
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"server: {result.ServerMicrosecondsPerRequest:F2} us of CPU per request, {result.ServerResident / 1048576.0:F1} MiB resident"));
        }

        if (result is { MemoryBefore: { } before, MemoryAfter: { } after })
        {
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"server: {(double)(after.Anonymous - before.Anonymous) / result.Requests:F0} bytes of memory for each connection, {(double)(after.Resident - before.Resident) / result.Requests:F0} with pages of files"));
        }
    }
}
