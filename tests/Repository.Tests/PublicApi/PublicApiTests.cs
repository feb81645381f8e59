using System.Reflection;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>Every change of the public surface shows in a reviewed text file.</summary>
public sealed class PublicApiTests
{
    private const string UpdateVariable = "KESTREL_RPC_UPDATE_API";

    public static TheoryData<string> Projects => [.. RepositoryFiles.SourceProjects];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Assembly_PublicSurface_IsTheReviewedOne(string project)
    {
        string assembly = RepositoryFiles.AssemblyNameOf(project);
        string file = Path.Combine(RepositoryFiles.Root, "tests/Repository.Tests/PublicApi", assembly + ".txt");
        string actual = PublicApiPrinter.Print(Assembly.Load(assembly));
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1")
        {
            File.WriteAllText(file, actual);
            return;
        }

        string expected = File.Exists(file) ? File.ReadAllText(file) : "";
        if (actual != expected)
        {
            Assert.Fail($"The public surface of {assembly} changed. If that is meant, run the tests once with {UpdateVariable}=1 "
                + $"and commit tests/Repository.Tests/PublicApi/{assembly}.txt.\n{Difference(expected, actual)}");
        }
    }

    /// <summary>Removed (-) and added (+) lines, each below the type it belongs to.</summary>
    private static string Difference(string expected, string actual)
    {
        HashSet<string> before = [.. Qualified(expected)];
        HashSet<string> after = [.. Qualified(actual)];
        return string.Join('\n', before.Except(after).Select(line => "- " + line)
            .Concat(after.Except(before).Select(line => "+ " + line)));
    }

    private static IEnumerable<string> Qualified(string text)
    {
        string type = "";
        foreach (string line in text.Split('\n').Where(line => line.Length > 0))
        {
            if (!line.StartsWith(' '))
            {
                type = line;
                yield return line;
            }
            else
            {
                yield return $"{type.Split(" : ")[0]} | {line.Trim()}";
            }
        }
    }
}
