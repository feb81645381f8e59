using System.Globalization;
using System.Text.Json;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Processes;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.InProcess;

/// <summary>Measures every variant in turns, each in a process of its own, and prints a table for each workload and number of connections.</summary>
internal sealed class InProcessComparison(InProcessSettings settings)
{
    /// <summary>For the start of a process, its connections, and its end.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (string text in Machine.Describe().Lines())
        {
            Console.Out.WriteLine(text);
        }

        foreach (Workload workload in settings.Workloads)
        {
            foreach (int connections in settings.Connections)
            {
                Write(workload, connections, await MeasureAsync(workload, connections, cancellationToken));
            }
        }
    }

    /// <summary>The results of every variant, round by round.</summary>
    private async Task<Dictionary<InProcessVariant, List<InProcessResult>>> MeasureAsync(
        Workload workload, int connections, CancellationToken cancellationToken)
    {
        var results = InProcessVariant.All.ToDictionary(variant => variant, _ => new List<InProcessResult>());
        for (int round = 0; round < settings.Rounds; round++)
        {
            // Every other round goes backwards, so that a drift of the machine hits all alike.
            foreach (InProcessVariant variant in round % 2 == 0 ? InProcessVariant.All : InProcessVariant.All.Reverse())
            {
                results[variant].Add(await MeasureAsync(variant, workload, connections, cancellationToken));
            }
        }

        return results;
    }

    private async Task<InProcessResult> MeasureAsync(
        InProcessVariant variant, Workload workload, int connections, CancellationToken cancellationToken)
    {
        // On any core, unlike the servers of compare: that the sides are on two cores, or on one, belongs to what is measured.
        using ChildProcess process = ChildProcess.StartSelf(
            variant.ToString(),
            core: null,
            [
                "inprocess", "--single", variant.ToString(),
                "--workload", Names.Of(workload),
                "--connections", connections.ToString(CultureInfo.InvariantCulture),
                "--warmup", settings.Warmup.TotalSeconds.ToString(CultureInfo.InvariantCulture),
                "--seconds", settings.Window.TotalSeconds.ToString(CultureInfo.InvariantCulture),
            ]);
        string line = await process.ReadLineAsync(settings.Warmup + settings.Window + Margin, cancellationToken);
        await process.EndAsync(Margin, cancellationToken);
        return JsonSerializer.Deserialize<InProcessResult>(line)!;
    }

    private void Write(Workload workload, int connections, Dictionary<InProcessVariant, List<InProcessResult>> results)
    {
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"\n{Names.Of(workload)}, {connections} connection(s), {settings.Rounds} rounds; CPU of client and server together, median (smallest..largest)"));
        Console.Out.WriteLine($"{"",-17} {"CPU us/req",-21} {"x Sockets",-18} {"1000 req/s",-11} {"p50 us",-8} {"p99 us",-8} bytes/req");
        foreach ((InProcessVariant variant, List<InProcessResult> samples) in results)
        {
            IEnumerable<InProcessResult> sockets = results[variant with { InProcess = false }];
            string cpu = Text(samples.Select(sample => sample.CpuMicroseconds));
            string ratio = variant.InProcess ? Text(samples.Zip(sockets, (own, other) => own.CpuMicroseconds / other.CpuMicroseconds)) : "";
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{variant,-17} {cpu,-21} {ratio,-18} {Median(sample => sample.RequestsPerSecond / 1000),-11:F1} {Median(sample => sample.P50),-8:F1} {Median(sample => sample.P99),-8:F1} {Median(sample => sample.BytesPerRequest):F1}"));

            double Median(Func<InProcessResult, double> figure) => Spread.Of(samples.Select(figure)).Median;
        }
    }

    private static string Text(IEnumerable<double> values)
    {
        var spread = Spread.Of(values);
        return string.Create(CultureInfo.InvariantCulture, $"{spread.Median:F2} ({spread.Minimum:F2}..{spread.Maximum:F2})");
    }
}
