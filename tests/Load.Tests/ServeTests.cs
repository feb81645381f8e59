using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Runtime.Versioning;
using System.Text.Json;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Client;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Processes;
using Kestrel.Rpc.Benchmarks.Load.Serve;
using Kestrel.Rpc.Benchmarks.Load.Workloads;
using Microsoft.AspNetCore.Connections;

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
    [InlineData("pingpong", 1)]
    [InlineData("pingpong-spin", 1)]
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

    [Theory]
    [InlineData("epoll")]
    [InlineData("io_uring")]
    public async Task Load_Dial_ConnectsOverTheTransportAndGetsRightAnswers(string transport)
    {
        using ChildProcess server = Start("dial");
        int port = await ReadPortAsync(server);
        LoadSettings settings = Dial(port, transport) with { ServerProcess = server.Id };

        LoadResult result = await Task.Run(() => LoadOnce.Run(settings, Limit)).WaitAsync(Limit * 2);
        await server.TerminateAsync(Limit, CancellationToken.None);

        Assert.True(result.ClientCpu > 0);
        Assert.True(result.ServerCpu > 0);
        Assert.InRange(result.P50, 0.1, result.Maximum);
    }

    [Theory]
    [InlineData("epoll")]
    [InlineData("io_uring")]
    public async Task Load_DialServerThatEnds_Fails(string transport)
    {
        Task running;
        using (ChildProcess server = Start("dial"))
        {
            LoadSettings settings = Dial(await ReadPortAsync(server), transport) with { Window = Limit * 2 };
            var measuring = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            running = Task.Run(() => new LoadRun(settings).Run(measuring.SetResult, _ => { }));
            await Task.WhenAny(measuring.Task, running).WaitAsync(Limit);
        }

        // A reset of the connection, or its end.
        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => running.WaitAsync(Limit));
        Assert.True(error is LoadException or ConnectionResetException, error.ToString());
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

    [Theory]
    [InlineData("epoll")]
    [InlineData("io_uring")]
    public async Task Serve_Polling_NeverSleepsAndAnswersRight(string transport)
    {
        using ChildProcess server = Run(
            "serve", "--workload", "pingpong-spin", "--transport", transport, "--scheduling", "inline", "--polling", "--loops", "1", "--port", "0");
        int port = await ReadPortAsync(server);
        var settings = new LoadSettings(
            Workload.PingPongSpin, port, Connections: 1, InFlight: 1, TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(200), server.Id, Core);

        await Task.Run(() => LoadOnce.Run(settings, Limit)).WaitAsync(Limit * 2);

        // Nobody asks for anything any more: a server whose loop sleeps would never use as much.
        double target = ProcessProbe.CpuSeconds(server.Id) + 1;
        using var limit = new CancellationTokenSource(Limit);
        while (ProcessProbe.CpuSeconds(server.Id) < target)
        {
            await Task.Delay(10, limit.Token);
        }

        await server.TerminateAsync(Limit, CancellationToken.None);
    }

    [Fact]
    public async Task Serve_PollingOnSockets_IsRefused()
    {
        using ChildProcess server = Run("serve", "--workload", "echo", "--transport", "sockets", "--scheduling", "inline", "--polling", "--port", "0");

        LoadException error = await Assert.ThrowsAsync<LoadException>(async () =>
        {
            while (true)
            {
                await server.ReadLineAsync(Limit, CancellationToken.None);
            }
        });

        Assert.Contains("--polling", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_AskedToCollect_DropsItsGarbage()
    {
        using ChildProcess server = Start("echo", "--controlled");
        await ReadPortAsync(server);

        server.WriteLine("stats");
        ServerStatistics? before = JsonSerializer.Deserialize<ServerStatistics>(await server.ReadLineAsync(Limit, CancellationToken.None));
        server.WriteLine("collect");
        ServerStatistics? after = JsonSerializer.Deserialize<ServerStatistics>(await server.ReadLineAsync(Limit, CancellationToken.None));
        await server.EndAsync(Limit, CancellationToken.None);

        Assert.True(after!.Collections > before!.Collections);
    }

    [Fact]
    public async Task Load_Idle_OpensEveryConnectionAndReadsTheServersMemory()
    {
        using ChildProcess server = Start("idle");
        int port = await ReadPortAsync(server);
        var settings = new LoadSettings(
            Workload.Idle, port, Connections: 300, InFlight: 1, TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(1), server.Id, Core);
        LoadResult? result = null;
        int began = 0;

        await Task.Run(() => new IdleRun(settings).Run(() => began++, measured => result = measured)).WaitAsync(Limit);
        await server.TerminateAsync(Limit, CancellationToken.None);

        Assert.Equal(1, began);
        Assert.Equal(300, result!.Requests);
        Assert.True(result.MemoryBefore!.Anonymous > 0);
        Assert.True(result.MemoryAfter!.Resident >= result.MemoryAfter.Anonymous);
    }

    [Fact]
    public async Task Load_IdleControlled_WaitsForALineBeforeItBegins()
    {
        using ChildProcess server = Start("idle");
        int port = await ReadPortAsync(server);
        using ChildProcess client = Run(
            "load", "--workload", "idle", "--port", port.ToString(CultureInfo.InvariantCulture), "--connections", "3", "--warmup", "0.01", "--controlled");

        Assert.Equal("measuring", await client.ReadLineAsync(Limit, CancellationToken.None));
        client.WriteLine("go");
        LoadResult? result = JsonSerializer.Deserialize<LoadResult>(await client.ReadLineAsync(Limit, CancellationToken.None));
        await client.EndAsync(Limit, CancellationToken.None);

        Assert.Equal(3, result!.Requests);
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

    private static LoadSettings Dial(int port, string transport) => new(
        Workload.Dial,
        port,
        Connections: 3,
        InFlight: 1,
        Warmup: TimeSpan.FromMilliseconds(50),
        Window: TimeSpan.FromMilliseconds(200),
        ServerProcess: null,
        Core,
        Names.Transports[transport]);

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
