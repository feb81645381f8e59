using System.Net;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>samples/Telemetry sends what it measures to a collector.</summary>
public sealed class TelemetrySampleTests
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";

    private static readonly string Sample =
        Path.Combine(RepositoryFiles.Root, "samples/Telemetry/bin", RepositoryFiles.Configuration, "net10.0/Telemetry.dll");

    [Fact]
    public async Task Telemetry_CallOfOurClient_CollectorGetsItsSpanAndTheHistogram()
    {
        int port = GoldenCall.FreePort();
        await using CollectorStub collector = await CollectorStub.StartAsync();
        await using RunningProcess sample = RunningProcess.Start(
            "env",
            RepositoryFiles.Root,
            $"OTEL_EXPORTER_OTLP_ENDPOINT={collector.Address}",
            "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            "OTEL_METRIC_EXPORT_INTERVAL=200",
            "OTEL_BSP_SCHEDULE_DELAY=200",
            "dotnet",
            Sample,
            "--port",
            $"{port}");
        await sample.WaitForOutputAsync("Application started");
        await using RpcConnection client = await RpcConnection.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port)).WaitAsync(RunningProcess.Limit);

        RpcCallOptions options = new() { Metadata = new RpcMetadata { { "traceparent", $"00-{TraceId}-00f067aa0ba902b7-01" } } };
        StringValue reply = await client.CallAsync(
            RpcMethod.Unary<StringValue, StringValue>("greeter", "Hello"), new StringValue { Value = "collector" }, options).AsTask().WaitAsync(RunningProcess.Limit);
        Assert.Equal("Hello collector", reply.Value);

        // Span: 1 trace id, 4 parent, 5 name, 6 kind, 9 attributes.
        OtlpMessage span = await collector.WaitForSpanAsync(item => item.Text(5) == "greeter/Hello");
        Assert.Equal(TraceId, Convert.ToHexStringLower(span.Bytes(1).Single()));
        Assert.Equal("00f067aa0ba902b7", Convert.ToHexStringLower(span.Bytes(4).Single()));
        Assert.Equal(2UL, span.Number(6)); // SERVER
        Assert.Equal(("kestrel_rpc", "OK"), (span.Attributes(9)["rpc.system.name"], span.Attributes(9)["rpc.response.status_code"]));

        // Metric: 1 name, 3 unit, 9 histogram, whose data points are 1: 4 count, 7 bounds, 9 attributes.
        OtlpMessage metric = await collector.WaitForMetricAsync(item => item.Text(1) == "rpc.server.call.duration");
        Assert.Equal("s", metric.Text(3));
        OtlpMessage point = metric.Messages(9).Single().Messages(1).Single();
        Assert.Equal(1UL, point.Number(4));
        Assert.Equal([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10], point.Doubles(7));
        Assert.Equal(("greeter/Hello", "OK"), (point.Attributes(9)["rpc.method"], point.Attributes(9)["rpc.response.status_code"]));
        await collector.WaitForMetricAsync(item => item.Text(1) == "kestrel.rpc.transport.connections");

        using HttpClient http = new();
        Assert.Equal("Healthy", await http.GetStringAsync($"http://127.0.0.1:{port}/health").WaitAsync(RunningProcess.Limit));
        sample.Terminate();
        Assert.True(await sample.WaitForExitAsync() == 0, sample.Output);
    }
}
