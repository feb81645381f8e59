using System.Text.RegularExpressions;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>The command that measures the in-process transport runs; its clients check every reply.</summary>
public sealed class InProcessBenchmarkTests
{
    private static readonly string Program =
        Path.Combine(RepositoryFiles.Root, "benchmarks/Load/bin", RepositoryFiles.Configuration, "net10.0/Load.dll");

    [Theory]
    [InlineData("echo")]
    [InlineData("rpc")]
    public async Task InProcess_EveryVariant_IsMeasuredAgainstSockets(string workload)
    {
        await using RunningProcess run = RunningProcess.Start(
            "dotnet", RepositoryFiles.Root, Program, "inprocess",
            "--workload", workload, "--connections", "2", "--rounds", "1", "--warmup", "0.1", "--seconds", "1");
        Assert.True(await run.WaitForExitAsync() == 0, run.Output);

        // One table: the workload asked for, and the ratio to Sockets with the same scheduling.
        Assert.Single(Regex.Matches(run.Output, $"(?m)^{workload}, 2 connection"));
        foreach (string variant in new[] { "sockets-pool", "inprocess-pool", "sockets-inline", "inprocess-inline" })
        {
            string ratio = variant.StartsWith("inprocess", StringComparison.Ordinal) ? @"\d+\.\d\d \(.+?\)" : "";
            Assert.Matches($@"(?m)^{variant} +\d+\.\d\d \(\S+\) +{ratio} +\d+\.\d +", run.Output);
        }
    }

    [Fact]
    public async Task InProcess_WorkloadThatIsNotForIt_IsRefused()
    {
        await using RunningProcess run = RunningProcess.Start("dotnet", RepositoryFiles.Root, Program, "inprocess", "--workload", "upload");

        Assert.NotEqual(0, await run.WaitForExitAsync());
        Assert.Contains("'upload' is none of echo, rpc.", run.Output, StringComparison.Ordinal);
    }
}
