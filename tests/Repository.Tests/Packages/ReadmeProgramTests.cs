using System.Globalization;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>The README's program in a project that takes the packages, as users have it: built, and published whole and trimmed.</summary>
public sealed class ReadmeProgramTests(PackedPackages packages) : IClassFixture<PackedPackages>
{
    private const string ReadmePort = "8000";

    [Fact]
    public async Task Program_OfThePackages_BuildsAndAnswersTheGoldenRequest()
    {
        (string folder, int port) = Create("");

        await PackedPackages.RunAsync(folder, "build", "-o", "out", "-m:1", "-p:UseSharedCompilation=false");

        await AssertAnswersAsync(RunningProcess.Start("dotnet", folder, "out/Ten.dll"), port);
    }

    [Fact]
    public async Task Program_PublishedTrimmedAndSelfContained_HasNoWarningOfOursAndAnswers()
    {
        // Warnings of the trimmer are errors, but for the one that Google.Protobuf 3.25 has of its own (JsonFormatter looks at enums by reflection).
        (string folder, int port) = Create("""
            <PublishTrimmed>true</PublishTrimmed>
            <SelfContained>true</SelfContained>
            <UseCurrentRuntimeIdentifier>true</UseCurrentRuntimeIdentifier>
            <WarningsNotAsErrors>$(WarningsNotAsErrors);IL2104</WarningsNotAsErrors>
            <InvariantGlobalization>true</InvariantGlobalization>
            """);

        string output = await PackedPackages.RunAsync(folder, "publish", "-o", "out", "-m:1", "-p:UseSharedCompilation=false");

        IEnumerable<string> warnings = output.Split('\n').Where(line => line.Contains("warning", StringComparison.Ordinal) && !line.Contains("NU1603", StringComparison.Ordinal));
        Assert.All(warnings, line => Assert.Contains("IL2104: Assembly 'Google.Protobuf'", line, StringComparison.Ordinal));

        await AssertAnswersAsync(RunningProcess.Start(Path.Combine(folder, "out/Ten"), folder), port);
    }

    private (string Folder, int Port) Create(string properties)
    {
        string source = ReadmeTests.Program();
        string[] lines = [.. source.Split('\n').Where(line => line.Trim().Length > 0)];
        Assert.InRange(lines.Length, 5, 12);
        int port = GoldenCall.FreePort();
        string folder = packages.CreateProject("Ten", properties);
        File.WriteAllText(
            Path.Combine(folder, "Program.cs"), source.Replace(ReadmePort, port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
        return (folder, port);
    }

    private static async Task AssertAnswersAsync(RunningProcess program, int port)
    {
        await using (program)
        {
            await program.WaitForOutputAsync("Application started");
            Assert.Equal(Convert.ToHexString(GoldenCall.Reply), Convert.ToHexString(await GoldenCall.ExchangeAsync(port, GoldenCall.Request)));

            using HttpClient http = new() { Timeout = RunningProcess.Limit };
            Assert.NotEmpty(await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/")).WaitAsync(RunningProcess.Limit));

            program.Terminate();
            Assert.Equal(0, await program.WaitForExitAsync());
        }
    }
}
