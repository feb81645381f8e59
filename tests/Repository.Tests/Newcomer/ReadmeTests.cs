using System.Text.RegularExpressions;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>What the README shows works as shown.</summary>
public sealed partial class ReadmeTests
{
    private const string ReadmePort = "8000";

    [Fact]
    public void Readme_Commands_NameWhatExists()
    {
        string[] commands = [.. ShellBlock().Matches(RepositoryFiles.Read("README.md"))
            .SelectMany(block => block.Groups["lines"].Value.Split('\n'))
            .Select(line => line.Split('#')[0].Trim())
            .Where(line => line.Length > 0)];

        Assert.Equal("dotnet run --project samples/Hello", commands[0]);
        Assert.Contains("dotnet test", commands);
        foreach (string command in commands)
        {
            Assert.True(IsKnown(command), $"README.md shows '{command}'.");
        }
    }

    [Fact]
    public async Task Readme_Program_BuildsAndAnswersTheGoldenRequest()
    {
        string source = CSharpBlock().Match(RepositoryFiles.Read("README.md")).Groups["code"].Value;
        string[] lines = [.. source.Split('\n').Where(line => line.Trim().Length > 0)];
        Assert.InRange(lines.Length, 5, 12);

        int port = GoldenCall.FreePort();
        using TemporaryFolder folder = new();
        folder.Write("Program.cs", source.Replace(ReadmePort, port.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal));
        folder.Write("Ten.csproj", ProjectFile());
        // Empty ones, so that no such file above the temporary folder takes part.
        folder.Write("Directory.Build.props", "<Project />");
        folder.Write("Directory.Packages.props", "<Project />");

        await using (RunningProcess build = RunningProcess.Start("dotnet", folder.Path, "build", "-o", "out", "-m:1", "-p:UseSharedCompilation=false"))
        {
            Assert.True(await build.WaitForExitAsync() == 0, build.Output);
        }

        await using RunningProcess program = RunningProcess.Start("dotnet", folder.Path, "out/Ten.dll");
        await program.WaitForOutputAsync("Application started");
        Assert.Equal(Convert.ToHexString(GoldenCall.Reply), Convert.ToHexString(await GoldenCall.ExchangeAsync(port, GoldenCall.Request)));

        using HttpClient http = new() { Timeout = RunningProcess.Limit };
        Assert.NotEmpty(await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/")).WaitAsync(RunningProcess.Limit));

        program.Terminate();
        Assert.Equal(0, await program.WaitForExitAsync());
    }

    /// <summary>References the assemblies already built beside these tests, so that nothing of the repository is built again.</summary>
    private static string ProjectFile()
    {
        string[] assemblies = [.. RepositoryFiles.SourceProjects.Select(RepositoryFiles.AssemblyNameOf), "Google.Protobuf"];
        IEnumerable<string> references = assemblies
            .Select(name => $"""<Reference Include="{name}" HintPath="{System.IO.Path.Combine(AppContext.BaseDirectory, name)}.dll" />""");
        return $"""
            <Project Sdk="Microsoft.NET.Sdk.Web">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
              </PropertyGroup>
              <ItemGroup>{string.Concat(references)}</ItemGroup>
            </Project>
            """;
    }

    private static bool IsKnown(string command)
    {
        Match run = RunCommand().Match(command);
        if (run.Success)
        {
            string folder = run.Groups["project"].Value;
            return RepositoryFiles.Exists($"{folder}/{System.IO.Path.GetFileName(folder)}.csproj");
        }

        return command is "dotnet test" or "curl http://127.0.0.1:8000/"
            || (command.StartsWith("bash ", StringComparison.Ordinal) && RepositoryFiles.Exists(command[5..]));
    }

    [GeneratedRegex(@"```(sh|bash)\n(?<lines>.*?)```", RegexOptions.Singleline)]
    private static partial Regex ShellBlock();

    [GeneratedRegex(@"```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();

    [GeneratedRegex(@"^dotnet run (-c Release )?--project (?<project>\S+)")]
    private static partial Regex RunCommand();
}
