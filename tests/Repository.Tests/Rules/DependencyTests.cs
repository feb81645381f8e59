using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>Who may know whom: docs/architecture.md, the project files and the compiled assemblies say the same.</summary>
public sealed class DependencyTests
{
    private static readonly IReadOnlyDictionary<string, AllowedDependencies> Allowed = AllowedDependencies.FromDocument();

    // Needed to build, never shipped: no reference of theirs reaches the assembly.
    private static readonly string[] BuildOnlyPackages = ["Microsoft.CodeAnalysis.BannedApiAnalyzers", "Grpc.Tools"];

    public static TheoryData<string> Projects => [.. RepositoryFiles.SourceProjects];

    [Fact]
    public void SourceFolder_Projects_AreTheOnesOfArchitecture() =>
        Assert.Equal(Allowed.Keys.Order(StringComparer.Ordinal), RepositoryFiles.SourceProjects);

    /// <summary>The rules that stand whatever the table says.</summary>
    [Fact]
    public void Architecture_Table_KeepsTheFixedRules()
    {
        foreach (AllowedDependencies row in Allowed.Values)
        {
            if (row.Project.StartsWith("Transport.", StringComparison.Ordinal))
            {
                Assert.DoesNotContain(row.Projects, project => project.StartsWith("Rpc.", StringComparison.Ordinal));
            }
        }

        Assert.Empty(Allowed["Rpc.Protocol"].Projects);
        Assert.Empty(Allowed["Rpc.Invocation"].Projects);
        Assert.Empty(Allowed["Rpc.Invocation"].Packages);
        Assert.DoesNotContain("Rpc.Middleware", Allowed["Rpc.Client"].Projects);
        Assert.DoesNotContain("Rpc.Client", Allowed["Rpc.Middleware"].Projects);
        Assert.DoesNotContain(Allowed["Rpc.Client"].Projects, project => project.StartsWith("Transport.", StringComparison.Ordinal));
        Assert.DoesNotContain(Allowed["Rpc.Middleware"].Projects, project => project.StartsWith("Transport.", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void ProjectFile_References_AreAllowed(string project)
    {
        XDocument file = XDocument.Load(RepositoryFiles.ProjectFile(project));
        string[] Includes(string element) =>
            [.. file.Descendants(element).Select(reference => (string?)reference.Attribute("Include") ?? "").Where(name => name.Length > 0)];

        string[] projects = [.. Includes("ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path.Replace('\\', '/')))];
        string[] packages = [.. Includes("PackageReference"), .. Includes("FrameworkReference")];

        Assert.Empty(projects.Except(Allowed[project].Projects));
        Assert.Empty(packages.Except(BuildOnlyPackages).Except(Allowed[project].Packages));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Assembly_References_AreAllowed(string project)
    {
        AllowedDependencies allowed = Allowed[project];
        string[] ours = [.. allowed.Projects.Select(RepositoryFiles.AssemblyNameOf)];

        foreach (string reference in ReferencesOf(RepositoryFiles.AssemblyNameOf(project)))
        {
            bool known = IsPartOf("Microsoft.NETCore.App", reference)
                || (IsPartOf("Microsoft.AspNetCore.App", reference) && allowed.Packages.Contains("Microsoft.AspNetCore.App"))
                || ours.Contains(reference)
                || allowed.Packages.Contains(reference);
            Assert.True(known, $"{project} references {reference}, which docs/architecture.md does not allow.");
        }
    }

    private static string[] ReferencesOf(string assembly)
    {
        using FileStream stream = File.OpenRead(Path.Combine(AppContext.BaseDirectory, assembly + ".dll"));
        using PEReader image = new(stream);
        MetadataReader metadata = image.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name))];
    }

    private static bool IsPartOf(string framework, string assembly)
    {
        Assembly known = framework == "Microsoft.NETCore.App" ? typeof(object).Assembly : typeof(ConnectionHandler).Assembly;
        return File.Exists(Path.Combine(Path.GetDirectoryName(known.Location)!, assembly + ".dll"));
    }
}
