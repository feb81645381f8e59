using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Runtime.Versioning;
using System.Text.Json;
using System.Xml.Linq;
using Kestrel.Rpc.Benchmarks.Load.Compare;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Load.Tests;

/// <summary>Whole runs of <c>compare</c> with real processes, as short as they can be.</summary>
[SupportedOSPlatform("linux")]
public sealed class ComparisonTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);
    private static readonly int Core = BitOperations.TrailingZeroCount(Process.GetCurrentProcess().ProcessorAffinity);

    [Fact]
    public async Task Run_EchoAndDial_WritesEverySampleAndDrawsTheServersCpu()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("kestrel-rpc-load-");
        try
        {
            string json = Path.Combine(folder.FullName, "run.json");
            string svg = Path.Combine(folder.FullName, "run.svg");
            var settings = new CompareSettings
            {
                Workloads = [Workload.Echo, Workload.Dial],
                Connections = [2],
                InFlight = [1],
                Variants = [Variants.SocketsPool, Variants.EpollInline, Variants.IoUringInline],
                Peers = [Variants.SocketsPool],
                Rounds = 1,
                Window = TimeSpan.FromSeconds(1),
                Warmup = TimeSpan.FromSeconds(0.1),
                ServerCore = Core,
                ClientCore = Core,
            };

            Assert.Equal(0, await Comparison.RunAsync(settings, json, svg).WaitAsync(Limit, TestContext.Current.CancellationToken));

            using var report = JsonDocument.Parse(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
            Assert.Equal(
                ["echo sockets-pool", "echo epoll-inline", "echo iouring-inline", "dial epoll-inline", "dial iouring-inline"],
                report.RootElement.GetProperty("samples").EnumerateArray().Select(sample => string.Create(
                    CultureInfo.InvariantCulture,
                    $"{sample.GetProperty("scene").GetProperty("workload").GetString()} {sample.GetProperty("server").GetString()}")));
            JsonElement dial = report.RootElement.GetProperty("summaries")[3].GetProperty("figures");
            Assert.True(dial.GetProperty("clientPerServer").GetProperty("median").GetDouble() > 0);
            Assert.Equal(3, XDocument.Load(svg).Descendants().Count(element => element.Attribute("class")?.Value == "server"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
