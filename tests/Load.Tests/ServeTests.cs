using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Runtime.Versioning;
using System.Text.Json;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Client;
using Kestrel.Rpc.Benchmarks.Load.Compare;
using Kestrel.Rpc.Benchmarks.Load.Serve;

namespace Kestrel.Rpc.Load.Tests;

/// <summary>A real server process under the real load client, for each workload.</summary>
[SupportedOSPlatform("linux")]
public sealed class ServeTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>The first core this process may use.</summary>
    private static readonly int Core = BitOperations.TrailingZeroCount(Process.GetCurrentProcess().ProcessorAffinity);

    [Theory]
    [InlineData("echo", 1)]
    [InlineData("http", 1)]
    [InlineData("rpc", 1)]
    [InlineData("rpc", 8)]
    [InlineData("upload", 1)]
    [InlineData("download", 1)]
    [InlineData("connect", 1)]
    public async Task Serve_UnderLoad_AnswersRightAndEndsOnSigterm(string workload, int inFlight)
    {
        using ChildProcess server = Start(workload);
        int port = await ReadPortAsync(server);
        var settings = new LoadSettings(
            Names.Workloads[workload],
            port,
            Connections: 3,
            inFlight,
            Warmup: TimeSpan.FromMilliseconds(50),
            Window: TimeSpan.FromMilliseconds(200),
            server.Id,
            Core);

        LoadResult result = await Task.Run(() => LoadOnce.Run(settings, Limit)).WaitAsync(Limit * 2);
        await server.TerminateAsync(Limit, CancellationToken.None);

        Assert.True(result.ServerCpu > 0);
        Assert.True(result.ServerResident > 0);
        Assert.InRange(result.P50, 0.1, result.Maximum);
    }

    [Fact]
    public async Task Serve_Controlled_TellsStatisticsAndEndsWithItsInput()
    {
        using ChildProcess server = Start("echo", "--controlled");
        await ReadPortAsync(server);

        server.WriteLine("stats");
        ServerStatistics? before = JsonSerializer.Deserialize<ServerStatistics>(await server.ReadLineAsync(Limit, CancellationToken.None));
        server.WriteLine("stats");
        ServerStatistics? after = JsonSerializer.Deserialize<ServerStatistics>(await server.ReadLineAsync(Limit, CancellationToken.None));
        await server.EndAsync(Limit, CancellationToken.None);

        Assert.True(before!.AllocatedBytes > 0);
        Assert.True(after!.AllocatedBytes >= before.AllocatedBytes);
    }

    [Fact]
    public async Task Load_WithoutAServer_Fails()
    {
        using ChildProcess client = Run("load", "--workload", "echo", "--port", "1", "--controlled");

        LoadException error = await Assert.ThrowsAsync<LoadException>(() => client.ReadLineAsync(Limit, CancellationToken.None));

        Assert.Contains("refused", error.Message, StringComparison.Ordinal);
    }

    private static ChildProcess Start(string workload, params string[] more) =>
        Run(["serve", "--workload", workload, "--transport", "sockets", "--scheduling", "pool", "--port", "0", .. more]);

    private static ChildProcess Run(params string[] arguments) =>
        ChildProcess.Start("Load", Core, "dotnet", [typeof(LoadRun).Assembly.Location, .. arguments]);

    private static async Task<int> ReadPortAsync(ChildProcess server)
    {
        string line = await server.ReadLineAsync(Limit, CancellationToken.None);
        Assert.StartsWith("port ", line, StringComparison.Ordinal);
        Assert.Equal("ready", await server.ReadLineAsync(Limit, CancellationToken.None));
        return int.Parse(line[5..], CultureInfo.InvariantCulture);
    }
}
