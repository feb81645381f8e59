using Kestrel.Rpc.Benchmarks.Load.Client;
using Kestrel.Rpc.Benchmarks.Load.Compare;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Load.Tests;

/// <summary>Samples with invented figures.</summary>
internal static class SampleFactory
{
    /// <summary>A sample of a million requests in 100 s.</summary>
    /// <param name="scene">Its scene.</param>
    /// <param name="variant">Its server.</param>
    /// <param name="round">Its round.</param>
    /// <param name="microseconds">Server CPU per request.</param>
    /// <param name="clientMicroseconds">Client CPU per request.</param>
    public static Sample Create(Scene scene, Variant variant, int round, double microseconds, double clientMicroseconds = 1)
    {
        var load = new LoadResult
        {
            Requests = 1_000_000,
            Seconds = 100,
            P50 = 1,
            P99 = 1,
            P999 = 1,
            Maximum = 1,
            ClientCpu = clientMicroseconds,
            ServerCpu = microseconds,
            ServerUser = 1,
            ServerResident = 1,
            ServerSwitches = 500_000,
            ServerCoreBusy = 1,
        };
        long? allocated = variant.Transport switch
        {
            null => null,
            TransportKind.Sockets => 2_000_000,
            _ => 1_500_000,
        };
        return new Sample(new PlanStep(scene, variant, round), load, allocated, allocated is null ? null : 0);
    }
}
