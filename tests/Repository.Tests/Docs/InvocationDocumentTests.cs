using System.Text.RegularExpressions;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>Every example of docs/invocation.md compiles, runs, and prints what its comments say.</summary>
public sealed partial class InvocationDocumentTests
{
    private static readonly string Usings = string.Concat(
        new[]
        {
            "System.Net", "Google.Protobuf", "Google.Protobuf.WellKnownTypes", "Kestrel.Rpc.Client", "Kestrel.Rpc.Invocation", "Kestrel.Rpc.Middleware",
            "Microsoft.AspNetCore.Builder", "Microsoft.AspNetCore.Hosting", "Microsoft.Extensions.DependencyInjection", "Microsoft.Extensions.Logging",
        }.Select(name => $"using {name};\n"));

    [Fact]
    public async Task Examples_Run_PrintWhatTheySay()
    {
        string[] blocks = [.. CSharpBlock().Matches(RepositoryFiles.Read("docs/invocation.md")).Select(match => match.Groups["code"].Value)];
        Assert.True(blocks.Length > 10, "The document has examples.");
        using TemporaryFolder folder = new();
        List<string> calls = [];
        for (int index = 0; index < blocks.Length; index++)
        {
            if (blocks[index].StartsWith("sealed class", StringComparison.Ordinal))
            {
                folder.Write($"Type{index}.cs", Usings + blocks[index]);
                continue;
            }

            // Each for itself: what one example names no other one sees.
            folder.Write($"Example{index}.cs", $"{Usings}static class Example{index}\n{{\npublic static async Task RunAsync()\n{{\n{blocks[index]}\n}}\n}}\n");
            calls.Add($"await Example{index}.RunAsync();");
        }

        folder.Write("Program.cs", string.Join('\n', calls) + "\n");
        folder.Write("Examples.csproj", ProjectFile());
        folder.Write("Directory.Build.props", "<Project />");
        folder.Write("Directory.Packages.props", "<Project />");
        await using (RunningProcess build = RunningProcess.Start("dotnet", folder.Path, "build", "-o", "out", "-m:1", "-p:UseSharedCompilation=false"))
        {
            Assert.True(await build.WaitForExitAsync() == 0, build.Output);
        }

        await using RunningProcess program = RunningProcess.Start("dotnet", folder.Path, "out/Examples.dll");
        Assert.True(await program.WaitForExitAsync() == 0, program.Output);
        string[] expected = [.. blocks.SelectMany(block => Prints().Matches(block)).Select(match => match.Groups["text"].Value)];
        Assert.Equal(expected, program.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private static string Reference(string assembly) =>
        $"""<Reference Include="{assembly}" HintPath="{System.IO.Path.Combine(AppContext.BaseDirectory, assembly + ".dll")}" />""";

    private static string ProjectFile() => $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <Nullable>enable</Nullable>
            <ImplicitUsings>enable</ImplicitUsings>
            <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
            <!-- Not every example awaits something. -->
            <NoWarn>$(NoWarn);CS1998</NoWarn>
          </PropertyGroup>
          <ItemGroup>
            <FrameworkReference Include="Microsoft.AspNetCore.App" />
            {Reference("Google.Protobuf")}
            {Reference("Kestrel.Rpc.Client")}
            {Reference("Kestrel.Rpc.Invocation")}
            {Reference("Kestrel.Rpc.Middleware")}
            {Reference("Kestrel.Rpc.Protocol")}
          </ItemGroup>
        </Project>
        """;

    [GeneratedRegex(@"```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();

    [GeneratedRegex("// prints: (?<text>.*)")]
    private static partial Regex Prints();
}
