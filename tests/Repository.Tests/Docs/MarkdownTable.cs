namespace Kestrel.Rpc.Repository.Tests;

/// <summary>A table of a document, found by the heading of its first column.</summary>
internal static class MarkdownTable
{
    /// <summary>The rows below the header, each as its trimmed cells. An escaped bar (<c>\|</c>) stays inside its cell.</summary>
    public static List<string[]> Read(string document, string firstHeading)
    {
        List<string[]> rows = [];
        bool inside = false;
        foreach (string line in document.Split('\n'))
        {
            if (!line.StartsWith('|'))
            {
                if (inside)
                {
                    break;
                }

                continue;
            }

            string[] cells = Cells(line);
            if (!inside)
            {
                inside = cells[0] == firstHeading;
            }
            else if (!cells.All(cell => cell.Trim('-', ':').Length == 0))
            {
                rows.Add(cells);
            }
        }

        Assert.True(rows.Count > 0, $"No table whose first column is '{firstHeading}'.");
        return rows;
    }

    /// <summary>What stands between backquotes in a cell.</summary>
    public static string[] Code(string cell) => [.. cell.Split('`').Where((_, index) => index % 2 == 1)];

    private static string[] Cells(string line)
    {
        const char Hidden = '\u0001';
        string[] cells = line.Replace("\\|", Hidden.ToString(), StringComparison.Ordinal).Trim().Trim('|').Split('|');
        return [.. cells.Select(cell => cell.Replace(Hidden, '|').Trim())];
    }
}
