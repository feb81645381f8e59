using System.Diagnostics.Metrics;
using System.Net;
using Google.Protobuf.WellKnownTypes;
using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What the server's meter says of calls.</summary>
public sealed class CallMetricTests
{
    private static readonly RpcMethod<HelloRequest, HelloReply> Hello = RpcMethod.Unary<HelloRequest, HelloReply>("helloworld", "Hello");

    [Theory]
    [InlineData(1, RpcScheduling.ThreadPool)]
    [InlineData(1, RpcScheduling.Inline)]
    [InlineData(2, RpcScheduling.ThreadPool)]
    [InlineData(2, RpcScheduling.Inline)]
    public async Task Duration_CallSucceeds_IsRecordedOnceBeforeTheReplyComes(int version, RpcScheduling scheduling)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { Rpc = options => options.Scheduling = scheduling });
        using MetricRecorder metrics = new(server.Services);

        await CallAsync(server, version);

        Measured duration = Assert.Single(metrics.Of(RpcServerTelemetry.CallDuration));
        Assert.InRange(duration.Value, double.Epsilon, 30);
        Assert.Equal(
            new Dictionary<string, object?> { ["rpc.system.name"] = "kestrel_rpc", ["rpc.method"] = Golden.Name, ["rpc.response.status_code"] = "OK" },
            duration.Tags);
    }

    [Fact]
    public async Task Duration_Instrument_IsAsTheConventionsSay()
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        using MetricRecorder metrics = new(server.Services);

        Histogram<double> duration = Assert.IsType<Histogram<double>>(metrics.Instruments.Single(instrument => instrument.Name == "rpc.server.call.duration"));
        Assert.Equal("s", duration.Unit);
        Assert.Equal([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10], duration.Advice!.HistogramBucketBoundaries!);
    }

    [Theory]
    [InlineData(RpcStatusCode.NotFound, "NOT_FOUND", false)]
    [InlineData(RpcStatusCode.Internal, "INTERNAL", true)]
    [InlineData((RpcStatusCode)77, "UNKNOWN", true)]
    public async Task Duration_CallFails_HasTheStatusAndAnErrorIfTheServerIsToBlame(RpcStatusCode status, string name, bool isError)
    {
        await using TestServer server = await StartAsync(_ => throw new RpcException(status, "no"));
        using MetricRecorder metrics = new(server.Services);

        await Assert.ThrowsAsync<RpcException>(() => CallAsync(server, version: 2));

        Measured duration = Assert.Single(metrics.Of(RpcServerTelemetry.CallDuration));
        Assert.Equal(name, duration["rpc.response.status_code"]);
        Assert.Equal(isError ? name : null, duration["error.type"]);
        Assert.Empty(metrics.Of(RpcServerTelemetry.RejectedCalls));
        Assert.Empty(metrics.Of(RpcServerTelemetry.ResponseSize));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Duration_UnknownMethods_AreOneMethod(int version)
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        using MetricRecorder metrics = new(server.Services);
        await using RpcConnection connection = await ConnectAsync(server, version);

        foreach (string method in (string[])["A", "B"])
        {
            await Assert.ThrowsAsync<RpcException>(
                () => connection.CallAsync(RpcMethod.Unary<HelloRequest, HelloReply>("helloworld", method), new HelloRequest()).AsTask().InTime());
        }

        Assert.All(metrics.Of(RpcServerTelemetry.CallDuration), measured => Assert.Equal("_OTHER", measured["rpc.method"]));
        Assert.All(metrics.Of(RpcServerTelemetry.CallDuration), measured => Assert.Equal("UNIMPLEMENTED", measured["rpc.response.status_code"]));
        Assert.Equal(2, metrics.Of(RpcServerTelemetry.CallDuration).Count);
    }

    [Fact]
    public async Task Duration_CalledByAnotherName_IsOfTheMethodThatWasMapped()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = app => app.MapHello().WithWireName("old/Greet") });
        using MetricRecorder metrics = new(server.Services);
        await using RpcConnection connection = await ConnectAsync(server, 2);

        await connection.CallAsync(RpcMethod.Unary<HelloRequest, HelloReply>("old", "Greet"), new HelloRequest()).AsTask().InTime();

        Assert.Equal(Golden.Name, Assert.Single(metrics.Of(RpcServerTelemetry.CallDuration))["rpc.method"]);
    }

    [Fact]
    public async Task Sizes_UnaryCall_AreThoseOfTheMessages()
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        using MetricRecorder metrics = new(server.Services);

        await CallAsync(server, version: 2);

        Assert.Equal(new HelloRequest { Msg = "world" }.CalculateSize(), Assert.Single(metrics.Of(RpcServerTelemetry.RequestSize)).Value);
        Assert.Equal(new HelloReply { Msg = "Hello world" }.CalculateSize(), Assert.Single(metrics.Of(RpcServerTelemetry.ResponseSize)).Value);
        Assert.InRange(Assert.Single(metrics.Of(RpcServerTelemetry.QueueDuration)).Value, 0, 30);
        Assert.Empty(metrics.Of(RpcServerTelemetry.CallRequests));
    }

    [Fact]
    public async Task Messages_DuplexCall_AreCountedAndMeasuredOneByOne()
    {
        await using TestServer server = await StreamServer.StartAsync("reader and writer");
        using MetricRecorder metrics = new(server.Services);
        await using RpcConnection connection = await ConnectAsync(server, 2);
        using (RpcDuplexStreamingCall<BytesValue, BytesValue> call = connection.StartDuplexStream(StreamServer.Echo))
        {
            for (int length = 10; length <= 30; length += 10)
            {
                await call.Requests.WriteAsync(StreamServer.Bytes(length)).InTime();
            }

            await call.Requests.CompleteAsync().InTime();
            while (await call.Replies.MoveNextAsync().InTime())
            {
            }
        }

        int[] sizes = [.. ((int[])[10, 20, 30]).Select(length => StreamServer.Bytes(length).CalculateSize())];
        Assert.Equal(sizes, metrics.Of(RpcServerTelemetry.RequestSize).Select(measured => (int)measured.Value));
        Assert.Equal(sizes, metrics.Of(RpcServerTelemetry.ResponseSize).Select(measured => (int)measured.Value));
        Assert.Equal(3, Assert.Single(metrics.Of(RpcServerTelemetry.CallRequests)).Value);
        Assert.Equal(3, Assert.Single(metrics.Of(RpcServerTelemetry.CallResponses)).Value);
        Assert.Equal([1, -1], metrics.Of(RpcServerTelemetry.ActiveStreams).Select(measured => (int)measured.Value));
        Assert.Equal("test/Echo", Assert.Single(metrics.Of(RpcServerTelemetry.CallDuration))["rpc.method"]);
    }

    [Fact]
    public async Task ActiveCalls_WhileAHandlerRuns_AreOneMore()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(
            new TestServerSetup { App = app => app.MapRpc(Golden.Name, (HelloRequest request, CancellationToken token) => gate.HandleAsync(request, token)) });
        using MetricRecorder metrics = new(server.Services);

        Task call = CallAsync(server, version: 2);
        await gate.WaitForStartedAsync(1);
        Assert.Equal(1, Assert.Single(metrics.Of(RpcServerTelemetry.ActiveCalls)).Value);
        gate.Open();
        await call;

        Assert.Equal(0, metrics.Of(RpcServerTelemetry.ActiveCalls).Sum(measured => measured.Value));
        Assert.Equal(2, metrics.Of(RpcServerTelemetry.ActiveCalls).Count);
        Assert.Empty(metrics.Of(RpcServerTelemetry.ActiveStreams));
    }

    [Fact]
    public async Task ActiveCalls_ListenerComesWhileACallRuns_AreNeverLessThanNone()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(
            new TestServerSetup { App = app => app.MapRpc(Golden.Name, (HelloRequest request, CancellationToken token) => gate.HandleAsync(request, token)) });
        Task call = CallAsync(server, version: 2);
        await gate.WaitForStartedAsync(1);

        using MetricRecorder metrics = new(server.Services);
        gate.Open();
        await call;

        Assert.Empty(metrics.All);
    }

    [Fact]
    public async Task Rejected_TooManyCalls_AreCountedWithReasonAndMethod()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Limits.MaxConcurrentCallsPerConnection = 1,
            App = app => app.MapRpc(Golden.Name, (HelloRequest request, CancellationToken token) => gate.HandleAsync(request, token)),
        });
        using MetricRecorder metrics = new(server.Services);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync(Version2Frames.Hello(1, index: 1), Version2Frames.HelloByIndex(2, 1));
        await peer.ReceiveResponseAsync(2);
        gate.Open();
        await peer.ReceiveResponseAsync(1);

        Measured rejected = Assert.Single(metrics.Of(RpcServerTelemetry.RejectedCalls));
        Assert.Equal(("connection_limit", Golden.Name), (rejected[RpcServerTelemetry.ReasonTag], rejected["rpc.method"]));
        Assert.Equal(
            ["RESOURCE_EXHAUSTED", "OK"], metrics.Of(RpcServerTelemetry.CallDuration).Select(measured => measured["rpc.response.status_code"]));
        Assert.Equal(2, metrics.Of(RpcServerTelemetry.ActiveCalls).Count); // of the one that ran
    }

    [Fact]
    public async Task Rejected_TimeWasOverWhenTheCallCame_IsCounted()
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        using MetricRecorder metrics = new(server.Services);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync(Version2Frames.Hello(1, header: new RpcCallHeader { Timeout = TimeSpan.Zero }));
        await peer.ReceiveResponseAsync(1);

        Assert.Equal("deadline", Assert.Single(metrics.Of(RpcServerTelemetry.RejectedCalls))[RpcServerTelemetry.ReasonTag]);
    }

    [Fact]
    public async Task Duration_PeerIsGoneBeforeTheReply_IsCancelled()
    {
        TaskCompletionSource recorded = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(
            new TestServerSetup { App = app => app.MapRpc(Golden.Name, (HelloRequest request, CancellationToken token) => gate.HandleAsync(request, token)) });
        using MetricRecorder metrics = new(server.Services, recorded.SetResult, RpcServerTelemetry.CallDuration);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1));
        await gate.WaitForStartedAsync(1);

        peer.Raw.Reset();
        await recorded.Task.InTime();

        Assert.Equal("CANCELLED", Assert.Single(metrics.Of(RpcServerTelemetry.CallDuration))["rpc.response.status_code"]);
    }

    [Fact]
    public async Task Connections_ListenerComesLate_AreAllThere()
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        await using RpcConnection first = await ConnectAsync(server, 1);
        await using RpcConnection second = await ConnectAsync(server, 2);
        await first.CallAsync(Hello, new HelloRequest()).AsTask().InTime();
        await second.CallAsync(Hello, new HelloRequest()).AsTask().InTime();

        using MetricRecorder metrics = new(server.Services);
        Assert.Equal(
            [("rpc", "1", 1d), ("rpc", "2", 1d)],
            metrics.Ask(RpcServerTelemetry.Connections)
                .Select(measured => ((string)measured["network.protocol.name"]!, (string)measured["network.protocol.version"]!, measured.Value)));

        await first.DisposeAsync().InTime();
        await second.DisposeAsync().InTime();
        await server.ExpectNothingLeftAsync();
        Assert.All(metrics.Ask(RpcServerTelemetry.Connections), measured => Assert.Equal(0, measured.Value));
    }

    [Fact]
    public async Task Listener_Throws_CallsAreAnsweredAndItIsLoggedOnce()
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        using MetricRecorder metrics = new(server.Services, () => throw new InvalidOperationException("listener"));

        for (int version = 1; version <= 2; version++)
        {
            await CallAsync(server, version);
        }

        LogLine line = Assert.Single(server.Logs.Ours, line => line.Level >= Microsoft.Extensions.Logging.LogLevel.Warning);
        Assert.Equal((80, "listener"), (line.Id, line.Exception!.Message));
    }

    private static Task<TestServer> StartAsync(Func<HelloRequest, HelloReply> handler) =>
        TestServer.StartAsync(new TestServerSetup { App = app => app.MapRpc(Golden.Name, handler) });

    private static async Task CallAsync(TestServer server, int version)
    {
        await using RpcConnection connection = await ConnectAsync(server, version);
        await connection.CallAsync(Hello, new HelloRequest { Msg = "world" }).AsTask().InTime();
    }

    private static Task<RpcConnection> ConnectAsync(TestServer server, int version) =>
        RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = version }).InTime();
}
