namespace Kestrel.Rpc.Repository.Tests;

/// <summary>One row of docs/coverage.md.</summary>
internal sealed record CoverageRow(int Number, string Capability, string State, string[] Code, string[] Tests, string Remark)
{
    /// <summary>How many capabilities the project wants in all; the document numbers them from 1.</summary>
    public const int Count = 96;

    /// <summary>What stands in a cell that has nothing to say.</summary>
    public const string Nothing = "-";

    /// <summary>The rows of every table of the document: it has one for each group of capabilities.</summary>
    public static List<CoverageRow> FromDocument()
    {
        List<CoverageRow> rows = [];
        foreach (string part in RepositoryFiles.Read("docs/coverage.md").Split("\n## ").Skip(1))
        {
            foreach (string[] cells in MarkdownTable.Read(part, "number"))
            {
                Assert.True(cells.Length == 6, $"Row {cells[0]} has {cells.Length} cells instead of 6.");
                rows.Add(new(
                    int.Parse(cells[0], System.Globalization.CultureInfo.InvariantCulture),
                    cells[1],
                    cells[2],
                    MarkdownTable.Code(cells[3]),
                    MarkdownTable.Code(cells[4]),
                    cells[5]));
            }
        }

        return rows;
    }
}
