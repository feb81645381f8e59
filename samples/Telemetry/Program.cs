using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Middleware;
using Kestrel.Rpc.Transport;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

// A server that sends what it tells about its calls to an OpenTelemetry collector. Where that is, and how often, say the usual variables:
// OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_METRIC_EXPORT_INTERVAL, OTEL_BSP_SCHEDULE_DELAY.
ResourceBuilder resource = ResourceBuilder.CreateDefault().AddService("telemetry-sample");
using TracerProvider traces = Sdk.CreateTracerProviderBuilder()
    .SetResourceBuilder(resource)
    .AddSource(RpcServerTelemetry.ActivitySourceName)
    .AddOtlpExporter()
    .Build();
using MeterProvider metrics = Sdk.CreateMeterProviderBuilder()
    .SetResourceBuilder(resource)
    .AddMeter(RpcServerTelemetry.MeterName, TransportMetrics.MeterName)
    .AddOtlpExporter()
    .Build();

var builder = WebApplication.CreateSlimBuilder(args);
builder.WebHost.UseIoUring();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(builder.Configuration.GetValue("port", 8000), listen => listen.UseRpc()));
builder.Services.AddRpc(options =>
{
    options.CallLog.SlowerThan = TimeSpan.FromMilliseconds(500);
    options.CallLog.Errors = true;
});
builder.Services.AddHealthChecks();

var app = builder.Build();
app.MapRpc("greeter/Hello", (StringValue name) => new StringValue { Value = $"Hello {name.Value}" });
app.MapRpcHealthChecks();           // for peers that speak RPC
app.MapHealthChecks("/health");     // and for those that speak HTTP, on the same port
await app.RunAsync();
