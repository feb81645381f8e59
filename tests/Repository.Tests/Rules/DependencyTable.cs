namespace Kestrel.Rpc.Repository.Tests;

/// <summary>The table of docs/architecture.md that says which project below src knows which.</summary>
internal sealed record AllowedDependencies(string Project, string[] Projects, string[] Packages)
{
    public static IReadOnlyDictionary<string, AllowedDependencies> FromDocument() =>
        MarkdownTable.Read(RepositoryFiles.Read("docs/architecture.md"), "project")
            .Select(row => new AllowedDependencies(
                MarkdownTable.Code(row[0]).Single(),
                MarkdownTable.Code(row[1]),
                MarkdownTable.Code(row[2])))
            .ToDictionary(row => row.Project, StringComparer.Ordinal);
}
