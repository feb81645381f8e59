namespace Kestrel.Rpc.Repository.Tests;

/// <summary>samples/MergedServer runs and says what it does.</summary>
public sealed class MergedServerSampleTests
{
    private static readonly string Sample =
        Path.Combine(RepositoryFiles.Root, "samples/MergedServer/bin", RepositoryFiles.Configuration, "net10.0/MergedServer.dll");

    [Fact]
    public async Task MergedServer_PrintsWhatItDoes()
    {
        await using RunningProcess sample = RunningProcess.Start("dotnet", RepositoryFiles.Root, Sample);
        Assert.True(await sample.WaitForExitAsync() == 0, sample.Output);

        Assert.Equal(
            [
                "Hello network",
                "Hello process",
                "put aside, answered already: False",
                "Hello at last",
                "Place apples: done",
                "Cancel apples: done",
                "done",
            ],
            sample.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
