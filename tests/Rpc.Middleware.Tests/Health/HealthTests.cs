using System.Net;
using Google.Protobuf;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Middleware.Health;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using static Kestrel.Rpc.Middleware.Health.HealthCheckResponse.Types;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The host's health checks over RPC and over HTTP.</summary>
public sealed class HealthTests
{
    private const string Service = "grpc.health.v1.Health";

    private static readonly RpcMethod<HealthCheckRequest, HealthCheckResponse> Check =
        RpcMethod.Unary<HealthCheckRequest, HealthCheckResponse>(Service, "Check");

    private static readonly RpcMethod<HealthCheckRequest, HealthCheckResponse> Watch =
        RpcMethod.Create<HealthCheckRequest, HealthCheckResponse>(RpcMethodShape.ServerStreaming, Service, "Watch");

    [Theory]
    [InlineData(HealthStatus.Healthy, 1, "1234010200000001", 1)]
    [InlineData(HealthStatus.Degraded, 1, "", 2)]
    [InlineData(HealthStatus.Unhealthy, 2, "", 2)]
    [InlineData(HealthStatus.Unhealthy, 2, "", 1)]
    public async Task Check_EveryStatus_IsThatOfTheProtocol(HealthStatus status, int expected, string start, int version)
    {
        await using TestServer server = await StartAsync(new Checks { Database = status });
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = version }).InTime();

        HealthCheckResponse response = await connection.CallAsync(Check, new HealthCheckRequest()).AsTask().InTime();

        Assert.Equal([0x08, (byte)expected], response.ToByteArray()); // field 1, a number: as in grpc.health.v1
        if (start.Length > 0)
        {
            await using RawPeer peer = await server.ConnectAsync();
            await peer.SendAsync(Golden.Frame(1, RpcMethodName.Parse($"{Service}/Check").ProtocolData.Span, []));
            byte[] reply = await peer.ReceiveExactlyAsync(8);
            Assert.Equal(start, Convert.ToHexString(reply));
        }
    }

    [Fact]
    public async Task Check_NamedServices_DependOnTheirChecks()
    {
        await using TestServer server = await StartAsync(
            new Checks { Database = HealthStatus.Unhealthy },
            options => options.Map("orders", check => check.Tags.Contains("orders")).Map("prices", check => check.Tags.Contains("prices")).Map("none", _ => false));
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        Assert.Equal(ServingStatus.NotServing, await AskAsync(connection, ""));
        Assert.Equal(ServingStatus.NotServing, await AskAsync(connection, "orders"));
        Assert.Equal(ServingStatus.Serving, await AskAsync(connection, "prices"));
        Assert.Equal(ServingStatus.Serving, await AskAsync(connection, "none"));
        RpcException unknown = await Assert.ThrowsAsync<RpcException>(() => AskAsync(connection, "Orders"));
        Assert.Equal(RpcStatusCode.NotFound, unknown.StatusCode);
    }

    [Fact]
    public async Task Check_AskedByManyAtOnceAndOften_RunsOnceInItsTime()
    {
        ManualTime time = new();
        Checks checks = new() { Hold = new TaskCompletionSource() };
        await using TestServer server = await StartAsync(checks, options => options.CacheDuration = TimeSpan.FromSeconds(10), time);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        Task<ServingStatus>[] asked = [.. Enumerable.Range(0, 50).Select(_ => AskAsync(connection, ""))];
        await checks.Started.Task.InTime();
        checks.Hold.SetResult();
        Assert.All(await Task.WhenAll(asked).InTime(), status => Assert.Equal(ServingStatus.Serving, status));
        time.Advance(TimeSpan.FromSeconds(9));
        await AskAsync(connection, "");
        Assert.Equal(1, checks.Runs);

        checks.Database = HealthStatus.Unhealthy;
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(ServingStatus.NotServing, await AskAsync(connection, ""));
        Assert.Equal(2, checks.Runs);
    }

    [Fact]
    public async Task Watch_StatusChanges_IsSaidOnceEachTime()
    {
        ManualTime time = new();
        Checks checks = new();
        await using TestServer server = await StartAsync(checks, options => options.WatchInterval = TimeSpan.FromSeconds(5), time);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using RpcServerStreamingCall<HealthCheckResponse> call = connection.StartServerStream(Watch, new HealthCheckRequest());

        Assert.Equal(ServingStatus.Serving, await NextAsync(call));
        await TurnAsync(time, checks); // nothing new
        checks.Database = HealthStatus.Unhealthy;
        await TurnAsync(time, checks);
        Assert.Equal(ServingStatus.NotServing, await NextAsync(call));
        checks.Database = HealthStatus.Degraded;
        await TurnAsync(time, checks);
        Assert.Equal(ServingStatus.Serving, await NextAsync(call));
    }

    [Theory]
    [InlineData("")]
    [InlineData("nobody")]
    public async Task Watch_HostStops_SaysNotServingAndEnds(string service)
    {
        await using TestServer server = await StartAsync(new Checks());
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using RpcServerStreamingCall<HealthCheckResponse> call = connection.StartServerStream(Watch, new HealthCheckRequest { Service = service });
        Assert.Equal(service.Length == 0 ? ServingStatus.Serving : ServingStatus.ServiceUnknown, await NextAsync(call));

        Task stopped = server.StopAsync();

        Assert.Equal(ServingStatus.NotServing, await NextAsync(call));
        Assert.False(await call.Replies.MoveNextAsync().InTime());
        await stopped;
    }

    [Fact]
    public async Task Check_HostStops_IsNotServingWhateverWasKnown()
    {
        await using TestServer server = await StartAsync(new Checks(), options => options.CacheDuration = TimeSpan.FromDays(1));
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        Assert.Equal(ServingStatus.Serving, await AskAsync(connection, ""));

        server.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication(); // drains from here on

        Assert.Equal(ServingStatus.NotServing, await AskAsync(connection, ""));
    }

    [Fact]
    public async Task Health_OverHttpOnTheSamePort_SaysTheSame()
    {
        Checks checks = new();
        await using TestServer server = await StartAsync(checks, options => options.CacheDuration = TimeSpan.Zero);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using HttpClient http = new() { BaseAddress = new Uri($"http://{server.EndPoint}") };

        Assert.Equal((ServingStatus.Serving, HttpStatusCode.OK), (await AskAsync(connection, ""), (await http.GetAsync("/health").InTime()).StatusCode));
        checks.Database = HealthStatus.Unhealthy;
        Assert.Equal(
            (ServingStatus.NotServing, HttpStatusCode.ServiceUnavailable), (await AskAsync(connection, ""), (await http.GetAsync("/health").InTime()).StatusCode));
    }

    [Fact]
    public async Task Check_PredicateFails_IsNotServingAndLogged()
    {
        await using TestServer server = await StartAsync(new Checks(), options => options.Map("", _ => throw new InvalidOperationException("predicate")));
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        Assert.Equal(ServingStatus.NotServing, await AskAsync(connection, ""));
        Assert.Single(server.Logs.Ours, line => line.Id == 83);
    }

    [Fact]
    public async Task Map_WithoutHealthChecks_SaysWhatIsMissing()
    {
        InvalidOperationException failed = await Assert.ThrowsAsync<InvalidOperationException>(
            () => TestServer.StartAsync(new TestServerSetup { App = app => app.MapRpcHealthChecks() }));

        Assert.Contains("AddHealthChecks()", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Map_OptionOutOfRange_SaysWhich()
    {
        ArgumentOutOfRangeException failed = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => StartAsync(new Checks(), options => options.WatchInterval = TimeSpan.Zero));

        Assert.Equal("RpcHealthOptions.WatchInterval", failed.ParamName);
    }

    private static async Task<ServingStatus> AskAsync(RpcConnection connection, string service) =>
        (await connection.CallAsync(Check, new HealthCheckRequest { Service = service }).AsTask().InTime()).Status;

    private static async Task<ServingStatus> NextAsync(RpcServerStreamingCall<HealthCheckResponse> call)
    {
        Assert.True(await call.Replies.MoveNextAsync().InTime());
        return call.Replies.Current.Status;
    }

    // Once the watcher waits, lets its time pass and waits until the checks have run again.
    private static async Task TurnAsync(ManualTime time, Checks checks)
    {
        await time.WaitForTimersAsync(2); // this one, and that of the connections
        Task ran = checks.NextRun();
        time.Advance(TimeSpan.FromSeconds(5));
        await ran.InTime();
    }

    private static Task<TestServer> StartAsync(Checks checks, Action<RpcHealthOptions>? configure = null, TimeProvider? time = null) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Services = services =>
            {
                services.AddSingleton(time ?? TimeProvider.System);
                services.AddHealthChecks().AddCheck("database", checks, tags: ["orders"]).AddCheck("quotes", () => HealthCheckResult.Healthy(), tags: ["prices"]);
            },
            App = app =>
            {
                app.MapRpcHealthChecks(configure);
                app.MapHealthChecks("/health");
            },
        });

    private sealed class Checks : IHealthCheck
    {
        private readonly Lock _lock = new();
        private TaskCompletionSource _nextRun = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public HealthStatus Database { get; set; } = HealthStatus.Healthy;

        public int Runs { get; private set; }

        public TaskCompletionSource Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource? Hold { get; init; }

        public Task NextRun()
        {
            lock (_lock)
            {
                return _nextRun.Task;
            }
        }

        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken)
        {
            Runs++;
            Started.TrySetResult();
            await (Hold?.Task ?? Task.CompletedTask);
            lock (_lock)
            {
                _nextRun.SetResult();
                _nextRun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            return new HealthCheckResult(Database);
        }
    }
}
