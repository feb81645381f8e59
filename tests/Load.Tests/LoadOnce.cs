using System.Diagnostics;
using Kestrel.Rpc.Benchmarks.Load.Client;

namespace Kestrel.Rpc.Load.Tests;

/// <summary>Runs the load client until it has seen a reply.</summary>
internal static class LoadOnce
{
    public static LoadResult Run(LoadSettings settings, TimeSpan limit)
    {
        LoadResult? result = null;
        var clock = Stopwatch.StartNew();

        // On a machine that is busy elsewhere a short window may see no reply at all.
        do
        {
            new LoadRun(settings).Run(() => { }, measured => result = measured);
        }
        while (result!.Requests == 0 && clock.Elapsed < limit);
        Assert.True(result.Requests > 0);
        return result;
    }
}
