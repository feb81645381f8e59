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
            "--workload", workload, "--connections", "2", "--rounds", "1", "--warmup", "0.1", "--seconds", "0.2");
        Assert.True(await run.WaitForExitAsync() == 0, run.Output);
        foreach (string variant in new[] { "sockets-pool", "inprocess-pool", "sockets-inline", "inprocess-inline" })
        {
            Assert.Matches($@"\n{variant} +\d+\.\d+ \(", run.Output);
        }
    }
}
