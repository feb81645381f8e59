using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>The documents speak of things that exist.</summary>
public sealed partial class DocumentTests
{
    public static TheoryData<string> Documents =>
        [.. RepositoryFiles.Below("docs", "*.md"), .. Directory.GetFiles(RepositoryFiles.Root, "*.md").Select(file => Path.GetFileName(file))];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Document_RelativeLinks_LeadToFiles(string document)
    {
        string folder = Path.GetDirectoryName(document)!;
        string[] broken = [.. Link().Matches(RepositoryFiles.Read(document))
            .Select(match => match.Groups["target"].Value.Split('#')[0])
            .Where(target => target.Length > 0 && !target.Contains("://", StringComparison.Ordinal))
            .Where(target => !RepositoryFiles.Exists(Path.Combine(folder, target)))];
        Assert.Empty(broken);
    }

    [Fact]
    public void Dependencies_Document_ListsEveryPackage()
    {
        IEnumerable<string> used = XDocument.Parse(RepositoryFiles.Read("Directory.Packages.props"))
            .Descendants("PackageVersion").Select(package => (string)package.Attribute("Include")!);
        IEnumerable<string> explained = MarkdownTable.Read(RepositoryFiles.Read("docs/dependencies.md"), "package")
            .Select(row => MarkdownTable.Code(row[0]).Single());

        Assert.Equal(used.Order(StringComparer.Ordinal), explained.Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();
}
