using System.IO.Compression;
using System.Xml.Linq;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>What is in the packages.</summary>
public sealed class PackageTests(PackedPackages packages) : IClassFixture<PackedPackages>
{
    // Programs of a build and of the compiler, not libraries: nobody compiles against them.
    private static readonly string[] Tools = ["Rpc.Generator", "Rpc.Analyzers"];

    public static TheoryData<string> Projects => [.. RepositoryFiles.SourceProjects];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Package_OfAProject_HasWhatUsersExpect(string project)
    {
        using ZipArchive package = Open(project, "nupkg");
        XElement metadata = Metadata(package);

        Assert.Equal(RepositoryFiles.AssemblyNameOf(project), Value(metadata, "id"));
        Assert.Equal("MIT", Value(metadata, "license"));
        Assert.Equal("README.md", Value(metadata, "readme"));
        Assert.NotEmpty(Value(metadata, "tags"));
        Assert.NotEqual("Package Description", Value(metadata, "description"));
        Assert.Equal(RepositoryFiles.Read("README.md"), Text(package, "README.md"));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Package_OfALibrary_HasDocumentationAndSymbols(string project)
    {
        if (Tools.Contains(project))
        {
            return;
        }

        string name = RepositoryFiles.AssemblyNameOf(project);
        using ZipArchive package = Open(project, "nupkg");
        using ZipArchive symbols = Open(project, "snupkg");

        Assert.NotNull(package.GetEntry($"lib/net10.0/{name}.dll"));
        Assert.Contains("<member name=", Text(package, $"lib/net10.0/{name}.xml"), StringComparison.Ordinal);
        Assert.NotNull(symbols.GetEntry($"lib/net10.0/{name}.pdb"));
    }

    /// <summary>docs/architecture.md says which project knows which; so do the packages.</summary>
    [Theory]
    [MemberData(nameof(Projects))]
    public void Package_OfALibrary_DependsOnWhatTheTableSays(string project)
    {
        if (Tools.Contains(project))
        {
            return;
        }

        using ZipArchive package = Open(project, "nupkg");
        XElement metadata = Metadata(package);
        AllowedDependencies allowed = AllowedDependencies.FromDocument()[project];

        string[] ours = [.. allowed.Projects.Select(RepositoryFiles.AssemblyNameOf)];
        string[] dependencies = [.. Attributes(metadata, "dependency", "id")];
        Assert.Equal(ours.Order(StringComparer.Ordinal), dependencies.Where(name => name.StartsWith("Kestrel.Rpc.", StringComparison.Ordinal)));
        Assert.Empty(dependencies.Except([.. ours, .. allowed.Packages])); // what it uses of a package may come with one of ours
        Assert.Equal(allowed.Packages.Where(name => name == "Microsoft.AspNetCore.App"), Attributes(metadata, "frameworkReference", "name"));
    }

    private ZipArchive Open(string project, string extension) =>
        ZipFile.OpenRead(Path.Combine(packages.Folder, $"{RepositoryFiles.AssemblyNameOf(project)}.{PackedPackages.Version}.{extension}"));

    private static XElement Metadata(ZipArchive package)
    {
        using Stream stream = package.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XElement.Load(stream).Elements().Single(element => element.Name.LocalName == "metadata");
    }

    private static string Value(XElement metadata, string name) => metadata.Elements().Single(element => element.Name.LocalName == name).Value;

    private static IEnumerable<string> Attributes(XElement metadata, string element, string attribute) =>
        metadata.Descendants().Where(item => item.Name.LocalName == element).Select(item => item.Attribute(attribute)!.Value).Order(StringComparer.Ordinal);

    private static string Text(ZipArchive package, string name)
    {
        using StreamReader reader = new(package.GetEntry(name)!.Open());
        return reader.ReadToEnd();
    }
}
