using System.Diagnostics;
using Kestrel.Rpc.Middleware;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Kestrel.Rpc.Benchmarks.Pipeline.Calls;

/// <summary>Those who listen as an application has them, with the SDK of OpenTelemetry, but for the exporter: what is collected goes nowhere.</summary>
internal static class Listening
{
    public static IDisposable Meter() => Sdk.CreateMeterProviderBuilder()
        .AddMeter(RpcServerTelemetry.MeterName)
        .AddReader(new PeriodicExportingMetricReader(new NoMetrics()))
        .Build();

    /// <summary>Activities without a parent are sampled with a probability.</summary>
    public static IDisposable Activities(double ratio) => Sdk.CreateTracerProviderBuilder()
        .AddSource(RpcServerTelemetry.ActivitySourceName)
        .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(ratio)))
        .AddProcessor(new BatchActivityExportProcessor(new NoActivities()))
        .Build();

    public static IDisposable Both(double ratio) => new Pair(Meter(), Activities(ratio));

    private sealed class NoMetrics : BaseExporter<Metric>
    {
        public override ExportResult Export(in Batch<Metric> batch) => ExportResult.Success;
    }

    private sealed class NoActivities : BaseExporter<Activity>
    {
        public override ExportResult Export(in Batch<Activity> batch) => ExportResult.Success;
    }

    private sealed class Pair(IDisposable first, IDisposable second) : IDisposable
    {
        public void Dispose()
        {
            second.Dispose();
            first.Dispose();
        }
    }
}
