using System.Text.RegularExpressions;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>samples/ChannelServer, and the program that measures the same: both run and say what they do.</summary>
public sealed class ChannelServerSampleTests
{
    private static readonly string Sample =
        Path.Combine(RepositoryFiles.Root, "samples/ChannelServer/bin", RepositoryFiles.Configuration, "net10.0/ChannelServer.dll");

    private static readonly string Benchmark = Path.Combine(
        RepositoryFiles.Root, "benchmarks/Invocation/bin", RepositoryFiles.Configuration, "net10.0/Kestrel.Rpc.Benchmarks.Invocation.dll");

    [Fact]
    public async Task ChannelServer_PrintsWhatItDoes()
    {
        await using RunningProcess sample = RunningProcess.Start("dotnet", RepositoryFiles.Root, Sample);
        Assert.True(await sample.WaitForExitAsync() == 0, sample.Output);

        Assert.Equal(
            [
                "3 apples: 2 left",
                "3 pears: there are only 2",
                "1 plum: answered already: False",
                "1 plum, after the delivery: 9 left",
                "three calls for a channel of two: taken True, True, False",
                "ten calls: the slow back end still has 1, the idle one took 9 that waited for it",
                "100000 calls while polling, # ns each",
                "done",
            ],
            sample.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Regex.Replace(line, @"\d+ ns", "# ns")));
    }

    [Fact]
    public async Task Benchmark_EveryMode_PrintsItsRows()
    {
        await using RunningProcess run = RunningProcess.Start("dotnet", RepositoryFiles.Root, Benchmark, "all", "0.05");
        Assert.True(await run.WaitForExitAsync() == 0, run.Output);

        foreach (string row in new[] { "queue: ring, one thread", "polling, one call at a time", "pipelined, 128 calls, two processors", "async, 64 clients" })
        {
            Assert.Matches($@"(?m)^{row}.* p50 +\S+ +p99 +\S+ ns +[\d.]+ M/s +CPU +\d+ ns +[\d.]+ bytes", run.Output);
        }
    }

    [Fact]
    public async Task Benchmark_UnknownMode_IsRefused()
    {
        await using RunningProcess run = RunningProcess.Start("dotnet", RepositoryFiles.Root, Benchmark, "upload");

        Assert.Equal(1, await run.WaitForExitAsync());
        Assert.Contains("'upload' is none of", run.Output, StringComparison.Ordinal);
    }
}
