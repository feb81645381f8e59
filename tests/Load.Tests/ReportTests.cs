using System.Text.Json;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Compare;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Spectre.Console;

namespace Kestrel.Rpc.Load.Tests;

public sealed class ReportTests
{
    private static readonly Scene Scene = new(Workload.Echo, 64, 1);
    private static readonly Variant[] Servers = [Variants.SocketsPool, Variants.IoUringInline, Variants.CIoUring];

    [Fact]
    public void WriteScene_TwoPeers_HasOneColumnOfRatiosForEach()
    {
        using var output = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 240;
        Outcome outcome = Run();

        new Report(console, markdown: true).WriteScene(Scene, outcome.LinesOf(Scene), outcome.Peers);

        string[] lines = [.. output.ToString().Split('\n').Select(line => line.Replace(" ", "", StringComparison.Ordinal))];
        Assert.Contains(lines, line => line.StartsWith("|server|CPUus/req|1000req/s|p50us|p99us|switches/req|bytes/req|", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("|c-iouring|4.50(4.00..5.00)|10.0(10.0..10.0)|1(1..1)|1(1..1)|0.500(0.500..0.500)||", StringComparison.Ordinal));
        Assert.Contains("|CPUus/reqasamultipleof|sockets-pool|c-iouring|", lines);
        Assert.Contains("|sockets-pool||2.25(2.00..2.50)|", lines);
        Assert.Contains("|iouring-inline|0.50(0.50..0.50)|1.12(1.00..1.25)|", lines);
        Assert.Contains("|c-iouring|0.45(0.40..0.50)||", lines);
    }

    [Fact]
    public void JsonReport_Run_HasFiguresRatiosAndSamples()
    {
        string file = Path.GetTempFileName();
        try
        {
            JsonReport.Write(file, Machine.Describe(), ["c-epoll: no compiler"], Run());

            using var report = JsonDocument.Parse(File.ReadAllText(file));
            JsonElement line = report.RootElement.GetProperty("summaries")[2];
            Assert.Equal("c-iouring", line.GetProperty("server").GetString());
            Assert.Equal(4.5, line.GetProperty("figures").GetProperty("cpu").GetProperty("median").GetDouble());
            Assert.Equal(JsonValueKind.Null, line.GetProperty("figures").GetProperty("allocated").ValueKind);
            Assert.Equal(0.45, line.GetProperty("ratios").GetProperty("cpu").GetProperty("sockets-pool").GetProperty("median").GetDouble(), 6);
            Assert.Equal(6, report.RootElement.GetProperty("samples").GetArrayLength());
            Assert.Equal("c-epoll: no compiler", report.RootElement.GetProperty("missing")[0].GetString());
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>Two rounds: Sockets 10 and 10, ours 5 and 5, C 4 and 5 microseconds.</summary>
    private static Outcome Run()
    {
        var plan = new Plan(
            new CompareSettings
            {
                Workloads = [Workload.Echo],
                Connections = [64],
                InFlight = [1],
                Variants = Servers,
                Peers = [Variants.SocketsPool, Variants.CIoUring],
                Rounds = 2,
                Window = TimeSpan.FromSeconds(1),
                Warmup = TimeSpan.FromSeconds(1),
                ServerCore = 0,
                ClientCore = 1,
            },
            _ => true);
        Sample[] samples =
        [
            .. plan.Steps.Select(step => SampleFactory.Create(
                step.Scene,
                step.Variant,
                step.Round,
                step.Variant.Transport switch
                {
                    TransportKind.Sockets => 10,
                    TransportKind.IoUring => 5,
                    _ => 3 + step.Round,
                })),
        ];
        return new Outcome(plan, samples, [Variants.SocketsPool, Variants.CIoUring]);
    }
}
