namespace Kestrel.Rpc.Repository.Tests;

/// <summary>
/// The packages of this repository as `dotnet pack` makes them, packed once for all tests, and projects that take them: from a folder, with the
/// machine's own sources beside it, and a cache of their own, so that no package of an earlier run is met.
/// </summary>
public sealed class PackedPackages : IAsyncLifetime
{
    /// <summary>Those that users take; the rest comes with them.</summary>
    public static readonly string[] Taken =
        ["Kestrel.Rpc.Transport.IoUring", "Kestrel.Rpc.Middleware", "Kestrel.Rpc.Client", "Kestrel.Rpc.Analyzers", "Kestrel.Rpc.Generator"];

    private readonly TemporaryFolder _folder = new();
    private int _projects;

    /// <summary>Where they are.</summary>
    public string Folder => Path.Combine(_folder.Path, "packages");

    public async ValueTask InitializeAsync()
    {
        // What was built for these tests is packed: nothing is built again.
        string projects = string.Join(';', RepositoryFiles.SourceProjects.Select(RepositoryFiles.ProjectFile));
        _folder.Write("pack.proj", $"""
            <Project>
              <Target Name="Pack">
                <MSBuild Projects="{projects}" Targets="Pack" Properties="Configuration={RepositoryFiles.Configuration};NoBuild=true;PackageOutputPath={Folder}" />
              </Target>
            </Project>
            """);
        string restored = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget/packages");
        _folder.Write("nuget.config", $"""
            <configuration>
              <packageSources><add key="packed" value="{Folder}" /></packageSources>
              <fallbackPackageFolders><add key="restored" value="{restored}" /></fallbackPackageFolders>
              <config><add key="globalPackagesFolder" value="{Path.Combine(_folder.Path, "cache")}" /></config>
            </configuration>
            """);
        // Empty ones, so that no such file above the temporary folder takes part.
        _folder.Write("Directory.Build.props", "<Project />");
        _folder.Write("Directory.Build.targets", "<Project />");
        _folder.Write("Directory.Packages.props", "<Project />");
        await RunAsync(_folder.Path, "msbuild", "pack.proj", "-t:Pack", "-nologo", "-m:1");
    }

    /// <summary>Makes a folder for a project, below which the packages are found.</summary>
    /// <returns>Its path.</returns>
    public string CreateFolder()
    {
        string folder = Path.Combine(_folder.Path, $"project{Interlocked.Increment(ref _projects)}");
        Directory.CreateDirectory(folder);
        return folder;
    }

    /// <summary>Makes a web project that takes the packages.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="properties">Properties beside the usual ones, as XML.</param>
    /// <returns>Its folder.</returns>
    internal string CreateProject(string name, string properties = "")
    {
        string folder = CreateFolder();
        IEnumerable<string> references = Taken.Select(package => $"""<PackageReference Include="{package}" Version="{Version}" />""");
        File.WriteAllText(Path.Combine(folder, name + ".csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk.Web">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <WarningsNotAsErrors>NU1603</WarningsNotAsErrors>
                {properties}
              </PropertyGroup>
              <ItemGroup>{string.Concat(references)}</ItemGroup>
            </Project>
            """);
        return folder;
    }

    /// <summary>Runs `dotnet` to its end, which has to be a good one.</summary>
    internal static async Task<string> RunAsync(string folder, params string[] arguments)
    {
        await using RunningProcess process = RunningProcess.Start("dotnet", folder, arguments);
        Assert.True(await process.WaitForExitAsync() == 0, process.Output);
        return process.Output;
    }

    /// <summary>The version of all packages.</summary>
    internal static string Version { get; } =
        System.Xml.Linq.XDocument.Parse(RepositoryFiles.Read("Directory.Build.props")).Descendants("Version").Single().Value;

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
