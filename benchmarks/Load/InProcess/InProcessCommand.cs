using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Client;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.InProcess;

/// <summary>
/// <c>inprocess</c>: client and server in one process, over the in-process transport and over Sockets on loopback. Each
/// measurement is a process of its own; the CPU counted is that of client and server together.
/// </summary>
internal static class InProcessCommand
{
    private static readonly IReadOnlyDictionary<string, Workload> Workloads =
        Names.Workloads.Where(pair => pair.Value != Workload.Http).ToDictionary();

    public static Command Create()
    {
        Option<Workload[]> workloads = Arguments.Many("--workload", "What is asked for", Workloads);
        Option<int[]> connections = Arguments.Numbers("--connections", "Connections, each with one request outstanding", 1, 64);
        Option<int> rounds = Arguments.Number("--rounds", "Measurements of each variant", 3);
        Option<double> seconds = Arguments.Seconds("--seconds", "The measured window", 3);
        Option<double> warmup = Arguments.Seconds("--warmup", "Load before it", 2);
        var single = new Option<string?>("--single") { Description = "Measure one variant in this process, as in 'inprocess-pool', and print its figures", Hidden = true };
        var command = new Command("inprocess", "Client and server in one process: the in-process transport against Sockets on loopback.")
        {
            workloads, connections, rounds, seconds, warmup, single,
        };
        command.SetAction(async (line, cancellationToken) =>
        {
            using var stop = new StopSignals();
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stop.Token);
            TimeSpan window = TimeSpan.FromSeconds(line.GetValue(seconds));
            TimeSpan before = TimeSpan.FromSeconds(line.GetValue(warmup));
            if (line.GetValue(single) is { } variant)
            {
                InProcessResult result = await InProcessRun.RunAsync(
                    InProcessVariant.Parse(variant), line.Chosen(workloads, Workloads)[0], line.GetValue(connections)![0], before, window, either.Token);
                Console.Out.WriteLine(result.ToLine());
                return 0;
            }

            foreach (string text in Machine.Describe().Lines())
            {
                Console.Out.WriteLine(text);
            }

            foreach (Workload workload in line.Chosen(workloads, Workloads))
            {
                foreach (int count in line.GetValue(connections)!)
                {
                    await CompareAsync(workload, count, line.GetValue(rounds), before, window, either.Token);
                }
            }

            return 0;
        });
        return command;
    }

    private static async Task CompareAsync(
        Workload workload, int connections, int rounds, TimeSpan warmup, TimeSpan window, CancellationToken cancellationToken)
    {
        var results = InProcessVariant.All.ToDictionary(variant => variant, _ => new List<InProcessResult>());
        for (int round = 0; round < rounds; round++)
        {
            // Every other round goes backwards, so that a drift of the machine hits all alike.
            foreach (InProcessVariant variant in round % 2 == 0 ? InProcessVariant.All : InProcessVariant.All.Reverse())
            {
                results[variant].Add(await MeasureAsync(variant, workload, connections, warmup, window, cancellationToken));
            }
        }

        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"\n{Names.Of(workload)}, {connections} connection(s), {rounds} rounds; CPU of client and server together, median (smallest..largest)"));
        Console.Out.WriteLine($"{"",-18} {"CPU us/req",-22} {"x Sockets",-10} {"1000 req/s",-11} {"p50 us",-8} {"p99 us",-8} bytes/req");
        foreach ((InProcessVariant variant, List<InProcessResult> samples) in results)
        {
            InProcessVariant sockets = variant with { InProcess = false };
            Spread cpu = Spread.Of(samples.Select(sample => sample.CpuMicroseconds));
            Spread ratio = Spread.Of(samples.Zip(results[sockets], (own, other) => own.CpuMicroseconds / other.CpuMicroseconds));
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{variant,-18} {$"{cpu.Median:F2} ({cpu.Minimum:F2}..{cpu.Maximum:F2})",-22} {(variant.InProcess ? $"{ratio.Median:F2}" : ""),-10} {Median(sample => sample.RequestsPerSecond / 1000),-11:F1} {Median(sample => sample.P50),-8:F1} {Median(sample => sample.P99),-8:F1} {Median(sample => sample.BytesPerRequest):F1}"));

            double Median(Func<InProcessResult, double> figure) => Spread.Of(samples.Select(figure)).Median;
        }
    }

    private static async Task<InProcessResult> MeasureAsync(
        InProcessVariant variant, Workload workload, int connections, TimeSpan warmup, TimeSpan window, CancellationToken cancellationToken)
    {
        string[] arguments =
        [
            "inprocess", "--single", variant.ToString(), "--workload", Names.Of(workload),
            "--connections", connections.ToString(CultureInfo.InvariantCulture),
            "--warmup", warmup.TotalSeconds.ToString(CultureInfo.InvariantCulture),
            "--seconds", window.TotalSeconds.ToString(CultureInfo.InvariantCulture),
        ];
        // On any core, unlike the servers of compare: that the sides are on two cores, or on one, belongs to what is measured.
        bool hosted = Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet";
        var start = new ProcessStartInfo(
            Environment.ProcessPath!, hosted ? arguments.Prepend(typeof(InProcessCommand).Assembly.Location) : arguments)
        {
            RedirectStandardOutput = true,
        };
        using Process child = Process.Start(start)!;
        try
        {
            TimeSpan limit = warmup + window + TimeSpan.FromSeconds(30);
            string line = await child.StandardOutput.ReadLineAsync(CancellationToken.None).AsTask().WaitAsync(limit, cancellationToken)
                ?? throw new LoadException($"{variant} ended without a figure");
            await child.WaitForExitAsync(cancellationToken).WaitAsync(limit, cancellationToken);
            return InProcessResult.Parse(line);
        }
        finally
        {
            if (!child.HasExited)
            {
                child.Kill();
            }
        }
    }
}
