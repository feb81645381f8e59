using System.Text.RegularExpressions;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>Rules of the sources that no analyzer checks.</summary>
public sealed partial class SourceRuleTests
{
    private const int LongestFile = 600;

    private static readonly string[] CodeFolders = ["src", "tests", "samples", "benchmarks"];

    // Extension methods stand where users of ASP.NET Core look for them.
    private static readonly string[] ExtensionNamespaces =
    [
        "Microsoft.AspNetCore.Builder", "Microsoft.AspNetCore.Hosting",
        "Microsoft.Extensions.Configuration", "Microsoft.Extensions.DependencyInjection", "Microsoft.Extensions.Hosting",
    ];

    [Fact]
    public void Sources_Namespace_IsKestrelRpc()
    {
        List<string> wrong = [];
        foreach (string file in RepositoryFiles.Below("src", "*.cs"))
        {
            string text = RepositoryFiles.Read(file);
            Match match = FileScopedNamespace().Match(text);
            if (!match.Success)
            {
                // Assembly attributes and global usings need no namespace; a type does.
                if (TypeDeclaration().IsMatch(text))
                {
                    wrong.Add($"{file}: no file-scoped namespace");
                }

                continue;
            }

            string name = match.Groups["name"].Value;
            bool ours = name.StartsWith("Kestrel.Rpc.", StringComparison.Ordinal);
            bool extensions = ExtensionNamespaces.Contains(name) && file.EndsWith("Extensions.cs", StringComparison.Ordinal);
            bool polyfill = name == "System.Runtime.CompilerServices" && file.EndsWith("/IsExternalInit.cs", StringComparison.Ordinal); // of netstandard2.0
            if (!ours && !extensions && !polyfill)
            {
                wrong.Add($"{file}: {name}");
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Sources_Length_StaysReadable()
    {
        string[] tooLong = [.. CodeFolders
            .SelectMany(folder => RepositoryFiles.Below(folder, "*.cs"))
            .Where(file => File.ReadLines(Path.Combine(RepositoryFiles.Root, file)).Count() > LongestFile)];
        Assert.Empty(tooLong);
    }

    /// <summary>What the solution leaves out is neither built nor tested.</summary>
    [Fact]
    public void Solution_Projects_AreAllThere()
    {
        string solution = RepositoryFiles.Read("Kestrel.Rpc.sln").Replace('\\', '/');
        string[] missing = [.. CodeFolders
            .SelectMany(folder => RepositoryFiles.Below(folder, "*.csproj"))
            .Where(project => !solution.Contains($"\"{project}\"", StringComparison.Ordinal))];
        Assert.Empty(missing);
    }

    [Fact]
    public void Sources_NativeImports_StandInNativeFolders() =>
        Assert.Empty(Matching(NativeImport()).Except(RepositoryFiles.Below("src", "*.cs").Where(IsNative)));

    [Fact]
    public void Sources_UnfinishedCode_IsAbsent() => Assert.Empty(Matching(Unfinished()));

    [Fact]
    public void Sources_SwallowedExceptions_AreAbsent() => Assert.Empty(Matching(EmptyCatch()));

    private static bool IsNative(string file) => file.Contains("/Native/", StringComparison.Ordinal);

    private static string[] Matching(Regex pattern) =>
        [.. RepositoryFiles.Below("src", "*.cs").Where(file => pattern.IsMatch(RepositoryFiles.Read(file)))];

    [GeneratedRegex(@"^namespace (?<name>[\w.]+);", RegexOptions.Multiline)]
    private static partial Regex FileScopedNamespace();

    [GeneratedRegex(@"^\s*(public|internal|file)\s+[\w ]*\b(class|struct|enum|interface|record|delegate)\b", RegexOptions.Multiline)]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"\[\s*(LibraryImport|DllImport)\b")]
    private static partial Regex NativeImport();

    [GeneratedRegex(@"\b(NotImplementedException|TODO|FIXME|HACK)\b")]
    private static partial Regex Unfinished();

    // A catch block holds a statement or says why there is none.
    [GeneratedRegex(@"catch\s*(\([^)]*\)\s*)?(when\s*\([^{]*\)\s*)?\{\s*\}")]
    private static partial Regex EmptyCatch();
}
