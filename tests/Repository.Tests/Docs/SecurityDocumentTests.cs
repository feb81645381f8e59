namespace Kestrel.Rpc.Repository.Tests;

/// <summary>docs/security.md claims nothing that no test shows.</summary>
public sealed class SecurityDocumentTests
{
    private static readonly List<string[]> Threats = Read();

    [Fact]
    public void Security_EveryThreat_SaysWhatStandsAgainstItAndNamesTests()
    {
        List<string> wrong = [];
        foreach (string[] cells in Threats)
        {
            if (cells.Length != 3 || cells[0].Length == 0 || cells[1].Length == 0)
            {
                wrong.Add($"{cells[0]}: a line has three cells");
                continue;
            }

            string[] tests = MarkdownTable.Code(cells[2]);
            if (tests.Length == 0)
            {
                wrong.Add($"{cells[0]}: names no test");
            }

            wrong.AddRange(tests.Where(test => !NamedTests.Exists(test)).Select(test => $"{cells[0]}: there is no test {test}"));
        }

        Assert.Empty(wrong);
    }

    /// <summary>What the project has promised to look at.</summary>
    [Theory]
    [InlineData("connections"), InlineData("half-open"), InlineData("slow"), InlineData("header"), InlineData("stream floods"), InlineData("rapid cancel")]
    [InlineData("compression bombs"), InlineData("credit"), InlineData("ping"), InlineData("ids of calls")]
    public void Security_PromisedThreat_IsThere(string words) =>
        Assert.Contains(Threats, cells => cells[0].Contains(words, StringComparison.OrdinalIgnoreCase));

    private static List<string[]> Read()
    {
        List<string[]> threats = [];
        foreach (string part in RepositoryFiles.Read("docs/security.md").Split("\n## ").Skip(1).Where(part => part.Contains("\n| threat |", StringComparison.Ordinal)))
        {
            threats.AddRange(MarkdownTable.Read(part, "threat"));
        }

        return threats;
    }
}
