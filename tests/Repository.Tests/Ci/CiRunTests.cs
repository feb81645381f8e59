namespace Kestrel.Rpc.Repository.Tests;

/// <summary>.ci/run counts what the result files say and trusts no exit code alone. A stand-in plays dotnet.</summary>
public sealed class CiRunTests
{
    private const string Passed = """outcome="Completed"><Counters total="3" executed="3" passed="3" failed="0" error="0" />""";
    private const string WithSkip = """outcome="Completed"><Counters total="3" executed="2" passed="2" failed="0" error="0" />""";
    private const string WithFailure = """outcome="Failed"><Counters total="3" executed="3" passed="1" failed="2" error="0" />""";
    private const string BrokenOff = """outcome="Failed"><Counters total="1" executed="1" passed="1" failed="0" error="0" />""";
    private const string Empty = """outcome="Completed"><Counters total="0" executed="0" passed="0" failed="0" error="0" />""";

    [Theory]
    [InlineData(Passed, Passed, 0, "6 passed, 0 failed, 0 skipped", 0)]
    [InlineData(Passed, WithSkip, 0, "5 passed, 0 failed, 1 skipped", 1)]
    [InlineData(Passed, WithFailure, 1, "4 passed, 2 failed, 0 skipped", 1)]
    [InlineData(Passed, BrokenOff, 1, "4 passed, 1 failed, 0 skipped", 1)]
    [InlineData(Passed, null, 1, "3 passed, 1 failed, 0 skipped", 1)]
    [InlineData(Passed, Passed, 1, "6 passed, 1 failed, 0 skipped", 1)]
    [InlineData(Empty, Empty, 0, "0 passed, 0 failed, 0 skipped", 1)]
    public async Task CiRun_ResultFiles_AreAddedUp(string first, string? second, int exitCode, string lastLine, int expected)
    {
        using TemporaryFolder folder = new();
        folder.Write("tests/A/A.csproj", "");
        folder.Write("tests/B/B.csproj", "");
        folder.Write("a.trx", $"<ResultSummary {first}");
        folder.Write("b.trx", second is null ? "" : $"<ResultSummary {second}");

        (int code, string[] lines) = await RunAsync(folder, $"""
            if [ "$1" = test ]; then
              mkdir -p artifacts/tests; cp a.trx artifacts/tests/A.trx; cp b.trx artifacts/tests/B.trx
              exit {exitCode}
            fi
            """);

        Assert.Equal(lastLine, lines[^1]);
        Assert.Equal(expected, code);
    }

    [Fact]
    public async Task CiRun_BuildFailure_RunsNoTestAndFails()
    {
        using TemporaryFolder folder = new();
        folder.Write("tests/A/A.csproj", "");

        (int code, string[] lines) = await RunAsync(folder, """
            [ "$1" = build ] && exit 1
            [ "$1" = test ] && echo "tests ran"
            exit 0
            """);

        Assert.Equal("0 passed, 1 failed, 0 skipped", lines[^1]);
        Assert.DoesNotContain("tests ran", lines);
        Assert.Equal(1, code);
    }

    private static async Task<(int Code, string[] Lines)> RunAsync(TemporaryFolder folder, string dotnet)
    {
        folder.Write(".ci/run", RepositoryFiles.Read(".ci/run"));
        foreach ((string name, string text) in new[] { ("dotnet", dotnet), ("apt-get", "exit 0") })
        {
            folder.Write("bin/" + name, "#!/bin/sh\n" + text + "\n");
            File.SetUnixFileMode(Path.Combine(folder.Path, "bin", name), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        await using RunningProcess run = RunningProcess.Start(
            "env", folder.Path, "CI=true", $"PATH={folder.Path}/bin:{Environment.GetEnvironmentVariable("PATH")}", "bash", ".ci/run");
        int code = await run.WaitForExitAsync();
        return (code, run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
