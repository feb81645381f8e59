namespace Kestrel.Rpc.Benchmarks.Load.InProcess;

/// <summary>The figures of one measurement; times in microseconds, latencies from request to reply.</summary>
internal sealed record InProcessResult(double CpuMicroseconds, double RequestsPerSecond, double P50, double P99, double BytesPerRequest);
