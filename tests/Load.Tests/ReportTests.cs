using System.Text.Json;
using Kestrel.Rpc.Benchmarks.Load.Compare;
using Kestrel.Rpc.Benchmarks.Load.Compare.Reporting;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Workloads;
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
        Assert.Contains(lines, line => line.StartsWith("|c-iouring|4.50(4.00..5.00)|10.0|1|1|0.500||", StringComparison.Ordinal));
        Assert.Contains("|CPUus/reqasamultipleof|sockets-pool|c-iouring|", lines);
        Assert.Contains("|sockets-pool||2.25(2.00..2.50)|", lines);
        Assert.Contains("|iouring-inline|0.50|1.12(1.00..1.25)|", lines);
        Assert.Contains("|c-iouring|0.45(0.40..0.50)||", lines);
        Assert.Contains("|bytes/reqbeyond|sockets-pool|c-iouring|", lines);
        Assert.Contains("|iouring-inline|-0.5||", lines);
    }

    [Fact]
    public void WriteScene_PeersInCAlone_HasNoTableOfAllocationsBeyondTheirs()
    {
        using var output = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 240;
        Outcome outcome = Run();

        new Report(console, markdown: true).WriteScene(Scene, outcome.LinesOf(Scene), [Variants.CIoUring]);

        Assert.Contains("as a multiple of", output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("beyond", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void WriteScene_Dial_SetsTheClientsCpuAgainstTheServers()
    {
        using var output = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 240;
        var scene = new Scene(Workload.Dial, 64, 1);
        Sample[] samples = [.. from round in (int[])[1, 2] select SampleFactory.Create(scene, Variants.EpollInline, round, 4, clientMicroseconds: 3 + round)];

        new Report(console, markdown: true).WriteScene(scene, [new Summary(samples, Variants.EpollInline)], []);

        string[] lines = [.. output.ToString().Split('\n').Select(line => line.Replace(" ", "", StringComparison.Ordinal))];
        Assert.Contains(lines, line => line.StartsWith("|server|client/server|clientCPUus/req|serverCPUus/req|", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("|epoll-inline|1.12(1.00..1.25)|4.50(4.00..5.00)|4.00|", StringComparison.Ordinal));
    }

    [Fact]
    public void WriteGrowth_TwoServers_ShowsTheirGrowthAndItsRatio()
    {
        using var output = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 240;
        Variant[] variants = [Variants.IoUringInline, Variants.CIoUring];
        Sample[] samples =
        [
            .. from connections in (int[])[64, 15_000]
               from variant in variants
               select SampleFactory.Create(
                   new Scene(Workload.Echo, connections, 1), variant, 1, connections == 64 ? 4 : variant == Variants.CIoUring ? 5 : 6),
        ];

        new Report(console, markdown: true).WriteGrowth(new Growth(samples, variants), [Variants.SocketsPool, Variants.CIoUring]);

        string[] lines = [.. output.ToString().Split('\n').Select(line => line.Replace(" ", "", StringComparison.Ordinal))];
        Assert.Contains("|server|64|15000|growth|ofthatofc-iouring|", lines);
        Assert.Contains("|iouring-inline|4.00|6.00|1.50|1.20|", lines);
        Assert.Contains("|c-iouring|4.00|5.00|1.25||", lines);
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
            Assert.Equal(
                -0.5,
                report.RootElement.GetProperty("summaries")[1].GetProperty("differences").GetProperty("allocated").GetProperty("sockets-pool")
                    .GetProperty("median").GetDouble());
            Assert.Equal(6, report.RootElement.GetProperty("samples").GetArrayLength());
            Assert.Equal("c-epoll: no compiler", report.RootElement.GetProperty("missing")[0].GetString());
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void JsonReport_SeveralNumbersOfConnections_HasTheGrowth()
    {
        string file = Path.GetTempFileName();
        try
        {
            JsonReport.Write(file, Machine.Describe(), [], Run(64, 512));

            using var report = JsonDocument.Parse(File.ReadAllText(file));
            JsonElement growth = report.RootElement.GetProperty("growths")[1];
            Assert.Equal("iouring-inline", growth.GetProperty("server").GetString());
            Assert.Equal([64, 512], growth.GetProperty("connections").EnumerateArray().Select(count => count.GetInt32()));
            Assert.Equal(1, growth.GetProperty("growth").GetProperty("median").GetDouble());
            Assert.Equal(1, growth.GetProperty("ratios").GetProperty("c-iouring").GetProperty("median").GetDouble());
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>Two rounds: Sockets 10 and 10, ours 5 and 5, C 4 and 5 microseconds.</summary>
    private static Outcome Run(params int[] connections)
    {
        var plan = new Plan(
            new CompareSettings
            {
                Workloads = [Workload.Echo],
                Connections = connections is [] ? [64] : connections,
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
