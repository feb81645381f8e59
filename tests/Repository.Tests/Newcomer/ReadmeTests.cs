using System.Text.RegularExpressions;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>What the README shows works as shown.</summary>
public sealed partial class ReadmeTests
{
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

    /// <summary>The program that the README shows.</summary>
    internal static string Program() => CSharpBlock().Match(RepositoryFiles.Read("README.md")).Groups["code"].Value;

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
