using System.Diagnostics;
using System.Net;
using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The server's activities: parents, links, tags, and whose they are.</summary>
public sealed class TracingTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string SpanId = "b7ad6b7169203331";

    private static readonly RpcMethod<HelloRequest, HelloReply> Hello = RpcMethod.Unary<HelloRequest, HelloReply>("helloworld", "Hello");

    public static TheoryData<RpcScheduling> Schedulings => [RpcScheduling.ThreadPool, RpcScheduling.Inline, RpcScheduling.Dedicated];

    [Theory, MemberData(nameof(Schedulings))]
    public async Task Call_WithTraceContext_IsItsChildAndHasTheConventionsTags(RpcScheduling scheduling)
    {
        (string? Trace, string? Baggage) seen = default;
        await using TestServer server = await StartAsync(scheduling, _ => seen = (Activity.Current?.TraceId.ToString(), Activity.Current?.GetBaggageItem("tenant")));
        using ActivityRecorder activities = new(server.Services);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        await connection.CallAsync(Hello, new HelloRequest(), WithContext()).AsTask().InTime();

        Activity activity = Assert.Single(activities.Stopped);
        Assert.Equal((TraceId, SpanId), (activity.TraceId.ToString(), activity.ParentSpanId.ToString()));
        Assert.True(activity.HasRemoteParent);
        Assert.Equal("vendor=1", activity.TraceStateString);
        Assert.Equal((Golden.Name, ActivityKind.Server, ActivityStatusCode.Unset), (activity.DisplayName, activity.Kind, activity.Status));
        Assert.Equal((TraceId, "north"), seen);
        Assert.Empty(activity.Links);
        IPEndPoint client = Assert.IsType<IPEndPoint>(connection.LocalEndPoint);
        Assert.Equal(
            new Dictionary<string, object?>
            {
                ["rpc.system.name"] = "kestrel_rpc",
                ["rpc.method"] = Golden.Name,
                ["rpc.response.status_code"] = "OK",
                ["server.address"] = "127.0.0.1",
                ["server.port"] = server.EndPoint.Port,
                ["client.address"] = "127.0.0.1",
                ["client.port"] = client.Port,
                ["network.transport"] = "tcp",
                ["network.type"] = "ipv4",
                ["network.protocol.name"] = "rpc",
                ["network.protocol.version"] = "2",
            },
            activity.TagObjects.ToDictionary());
        Assert.Equal(
            ["rpc.method", "rpc.system.name", "server.address", "server.port"], Assert.Single(activities.SampledTags).Keys.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(1, null)]
    [InlineData(2, null)]
    [InlineData(2, "00-not-a-context")]
    [InlineData(2, "")]
    public async Task Call_WithoutTraceContext_IsARoot(int version, string? traceParent)
    {
        await using TestServer server = await StartAsync(RpcScheduling.ThreadPool);
        using ActivityRecorder activities = new(server.Services);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = version }).InTime();
        RpcCallOptions options = traceParent is null ? new() : new() { Metadata = new RpcMetadata { { "traceparent", traceParent } } };

        await connection.CallAsync(Hello, new HelloRequest(), options).AsTask().InTime();

        Activity activity = Assert.Single(activities.Stopped);
        Assert.Equal((default, null), (activity.ParentSpanId, activity.ParentId));
        Assert.Equal($"{version}", activity.GetTagItem("network.protocol.version"));
    }

    [Theory, MemberData(nameof(Schedulings))]
    public async Task Call_WithinTheConnectionsActivity_IsLinkedAndNoChild(RpcScheduling scheduling)
    {
        using Activity around = new Activity("connection").SetIdFormat(ActivityIdFormat.W3C);
        List<Activity?> currents = [];
        await using TestServer server = await StartAsync(
            scheduling,
            _ => currents.Add(Activity.Current),
            listen => listen.Use(next => connection =>
            {
                around.Start();
                return next(connection);
            }));
        using ActivityRecorder activities = new(server.Services);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        await connection.CallAsync(Hello, new HelloRequest()).AsTask().InTime();
        await connection.CallAsync(Hello, new HelloRequest()).AsTask().InTime();

        Assert.Equal(2, activities.Stopped.Count);
        Assert.Equal<Activity?>(activities.Stopped, currents);
        Assert.All(activities.Stopped, activity =>
        {
            Assert.Null(activity.ParentId);
            Assert.NotEqual(around.TraceId, activity.TraceId);
            Assert.Equal(around.Context, Assert.Single(activity.Links).Context);
        });
    }

    [Fact]
    public async Task Calls_OneAfterTheOtherOnOneThread_SeeOnlyTheirOwn()
    {
        List<Activity?> seen = [];
        await using TestServer server = await StartAsync(RpcScheduling.Inline, _ => seen.Add(Activity.Current));
        using ActivityRecorder activities = new(server.Services);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync([.. Enumerable.Range(1, 5).Select(id => Version2Frames.Hello((uint)id, index: id))]);
        for (uint id = 1; id <= 5; id++)
        {
            await peer.ReceiveResponseAsync(id);
        }

        Assert.Equal(5, seen.Distinct().Count());
        Assert.Equal<Activity?>(activities.Stopped, seen);
        Assert.All(activities.Stopped, activity => Assert.Null(activity.Parent));
    }

    [Fact]
    public async Task Call_HandlerThrows_IsAnErrorWithTheException()
    {
        await using TestServer server = await StartAsync(RpcScheduling.ThreadPool, _ => throw new FormatException("secret"));
        using ActivityRecorder activities = new(server.Services);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        await Assert.ThrowsAsync<RpcException>(() => connection.CallAsync(Hello, new HelloRequest()).AsTask().InTime());

        Activity activity = Assert.Single(activities.Stopped);
        Assert.Equal((ActivityStatusCode.Error, "UNKNOWN"), (activity.Status, activity.GetTagItem("error.type")));
        ActivityEvent thrown = Assert.Single(activity.Events);
        Assert.Equal("System.FormatException", thrown.Tags.Single(tag => tag.Key == "exception.type").Value);
    }

    [Fact]
    public async Task Call_CallerIsToBlame_IsNoErrorOfTheServer()
    {
        await using TestServer server = await StartAsync(RpcScheduling.ThreadPool, _ => throw new RpcException(RpcStatusCode.NotFound, "none"));
        using ActivityRecorder activities = new(server.Services);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        await Assert.ThrowsAsync<RpcException>(() => connection.CallAsync(Hello, new HelloRequest()).AsTask().InTime());

        Activity activity = Assert.Single(activities.Stopped);
        Assert.Equal((ActivityStatusCode.Unset, "NOT_FOUND", null), (activity.Status, activity.GetTagItem("rpc.response.status_code"), activity.GetTagItem("error.type")));
        Assert.Empty(activity.Events);
    }

    [Fact]
    public async Task Call_NobodySamplesIt_HasNone()
    {
        Activity? seen = null;
        await using TestServer server = await StartAsync(RpcScheduling.ThreadPool, _ => seen = Activity.Current);
        using ActivityRecorder activities = new(server.Services, ActivitySamplingResult.None);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        await connection.CallAsync(Hello, new HelloRequest(), WithContext()).AsTask().InTime();

        Assert.Null(seen);
        Assert.Single(activities.SampledTags);
        Assert.Empty(activities.Stopped);
    }

    [Fact]
    public async Task Call_PropagatedOnly_HasTheContextAndNoFurtherTags()
    {
        string? seen = null;
        await using TestServer server = await StartAsync(RpcScheduling.ThreadPool, _ => seen = Activity.Current?.TraceId.ToString());
        using ActivityRecorder activities = new(server.Services, ActivitySamplingResult.PropagationData);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        await connection.CallAsync(Hello, new HelloRequest(), WithContext()).AsTask().InTime();

        Assert.Equal(TraceId, seen);
        Assert.Null(Assert.Single(activities.Stopped).GetTagItem("client.port"));
    }

    [Fact]
    public async Task Duration_OfTheActivity_IsThatOfTheMetric()
    {
        await using TestServer server = await StartAsync(RpcScheduling.ThreadPool);
        using ActivityRecorder activities = new(server.Services);
        using MetricRecorder metrics = new(server.Services);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        await connection.CallAsync(Hello, new HelloRequest()).AsTask().InTime();

        Assert.Equal(Assert.Single(metrics.Of(RpcServerTelemetry.CallDuration)).Value, Assert.Single(activities.Stopped).Duration.TotalSeconds, 6);
    }

    [Fact]
    public async Task Stream_Activity_LastsUntilItsLastReply()
    {
        await using TestServer server = await StreamServer.StartAsync("typed");
        using ActivityRecorder activities = new(server.Services);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using (RpcServerStreamingCall<Google.Protobuf.WellKnownTypes.StringValue> call =
            connection.StartServerStream(StreamServer.Count, new Google.Protobuf.WellKnownTypes.Int32Value { Value = 3 }))
        {
            while (await call.Replies.MoveNextAsync().InTime())
            {
            }
        }

        Assert.Equal(("test/Count", "OK"), (Assert.Single(activities.Stopped).DisplayName, activities.Stopped[0].GetTagItem("rpc.response.status_code")));
    }

    [Fact]
    public async Task Listener_Throws_CallIsAnsweredAndItIsLoggedOnce()
    {
        await using TestServer server = await StartAsync(RpcScheduling.Inline);
        using ActivityRecorder activities = new(server.Services, onEvent: () => throw new InvalidOperationException("listener"));
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        await connection.CallAsync(Hello, new HelloRequest()).AsTask().InTime();
        await connection.CallAsync(Hello, new HelloRequest()).AsTask().InTime();

        Assert.Single(server.Logs.Ours, line => line.Id == 80);
        Assert.DoesNotContain(server.Logs.Ours, line => line.Id is 21 or 32);
    }

    private static RpcCallOptions WithContext() => new()
    {
        Metadata = new RpcMetadata { { "traceparent", $"00-{TraceId}-{SpanId}-01" }, { "tracestate", "vendor=1" }, { "baggage", "tenant=north" } },
    };

    private static Task<TestServer> StartAsync(
        RpcScheduling scheduling, Action<HelloRequest>? handler = null, Action<Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions>? listen = null) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Scheduling = scheduling,
            Listen = options =>
            {
                listen?.Invoke(options);
                options.UseRpc();
            },
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) =>
            {
                handler?.Invoke(request);
                return new HelloReply();
            }),
        });
}
