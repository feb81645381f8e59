namespace Kestrel.Rpc.Repository.Tests;

/// <summary>docs/coverage.md names every capability, and claims nothing that is not there.</summary>
public sealed class CoverageTests
{
    private static readonly List<CoverageRow> Rows = CoverageRow.FromDocument();

    [Fact]
    public void Coverage_Numbers_AreAllPresentOnce() =>
        Assert.Equal(Enumerable.Range(1, CoverageRow.Count), Rows.Select(row => row.Number));

    [Fact]
    public void Coverage_States_AreKnownAndRowsWhole()
    {
        foreach (CoverageRow row in Rows)
        {
            Assert.True(row.Capability.Length > 0, $"{row.Number} has no words.");
            Assert.True(row.State is "done" or "partly" or "open", $"{row.Number} has the state '{row.State}'.");
            Assert.True(row.State != "partly" || row.Remark != CoverageRow.Nothing, $"{row.Number} is partly done: the remark says how far.");
            Assert.True(row.State != "open" || row.Tests.Length == 0, $"{row.Number} is open but names a test.");
        }
    }

    [Fact]
    public void Coverage_ClaimedRows_NameExistingCodeAndTests()
    {
        List<string> wrong = [];
        foreach (CoverageRow row in Rows.Where(row => row.State != "open"))
        {
            if (row.Code.Length == 0 || row.Tests.Length == 0)
            {
                wrong.Add($"{row.Number}: names no code or no test");
            }

            wrong.AddRange(row.Code.Where(path => !RepositoryFiles.Exists(path)).Select(path => $"{row.Number}: {path} does not exist"));
            wrong.AddRange(row.Tests.Where(test => !NamedTests.Exists(test)).Select(test => $"{row.Number}: there is no test {test}"));
        }

        Assert.Empty(wrong);
    }
}
