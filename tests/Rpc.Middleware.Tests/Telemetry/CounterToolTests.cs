using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Kestrel.Rpc.Transport.Tests.Engines;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>
/// Tools that read meters from outside, as <c>dotnet-counters</c> does, see the server's. Alone in its process while it runs: such a tool listens to all servers of a process.
/// </summary>
[Collection(nameof(CounterToolTests)), CollectionDefinition(nameof(CounterToolTests), DisableParallelization = true)]
public sealed class CounterToolTests
{
    private const string Unimplemented = "rpc.method=_OTHER,rpc.response.status_code=UNIMPLEMENTED";

    private static readonly RpcMethod<HelloRequest, HelloReply> Hello = RpcMethod.Unary<HelloRequest, HelloReply>("counters", "Hello");
    private static readonly RpcMethod<HelloRequest, HelloReply> Unknown = RpcMethod.Unary<HelloRequest, HelloReply>("counters", "Nope");

    [Fact]
    public async Task Meter_ReadAsCountersToolsDo_TellsOfCallsRefusalsAndConnections()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc("counters/Hello", (HelloRequest _) => new HelloReply()).RequireConcurrency(7),
        });
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        await connection.CallAsync(Hello, new HelloRequest()).AsTask().InTime(); // before anybody listens

        using CounterReadings readings = new(RpcServerTelemetry.MeterName, refreshInterval: "0.2", maxTimeSeries: "100000"); // of servers that other tests have left behind, too
        await UntilAsync(() => readings.Collections >= 2);
        double connections = readings[RpcServerTelemetry.Connections, "network.protocol.version=2"]; // other tests may have left servers behind
        double unknown = readings.Total(RpcServerTelemetry.CallDuration, Unimplemented);
        Assert.True(connections >= 1);
        Assert.Equal(7, readings[RpcServerTelemetry.CallLimit, "rpc.method=counters/Hello"]);
        for (int i = 0; i < 3; i++)
        {
            await connection.CallAsync(Hello, new HelloRequest()).AsTask().InTime();
        }

        await Assert.ThrowsAsync<RpcException>(() => connection.CallAsync(Unknown, new HelloRequest()).AsTask().InTime());

        // What a tool shows of a histogram are the measurements of an interval, so the sum over all of them is what counts.
        await UntilAsync(() => readings.Total(RpcServerTelemetry.CallDuration, "rpc.method=counters/Hello,rpc.response.status_code=OK") == 3);
        await UntilAsync(() => readings.Total(RpcServerTelemetry.CallDuration, Unimplemented) == unknown + 1);
        await UntilAsync(() => readings[RpcServerTelemetry.ActiveCalls, "rpc.method=counters/Hello"] == 0 && readings.Instruments.Contains(RpcServerTelemetry.ActiveCalls));
        await connection.DisposeAsync().InTime();
        await UntilAsync(() => readings[RpcServerTelemetry.Connections, "network.protocol.version=2"] == connections - 1);
        Assert.Empty(readings.Errors);
    }

    // Nothing tells of it; the loop ends as soon as it is so.
    private static async Task UntilAsync(Func<bool> condition)
    {
        long start = Environment.TickCount64;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 - start < TimeLimits.Limit.TotalMilliseconds, "The tool does not see it.");
            await Task.Delay(10);
        }
    }
}
