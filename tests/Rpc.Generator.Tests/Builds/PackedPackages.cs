namespace Kestrel.Rpc.Generator.Tests;

/// <summary>
/// The packages of this repository as `dotnet pack` makes them, and projects that take them: from a folder, with what restoring the repository
/// has brought as the only other source. Nothing comes from the network.
/// </summary>
public sealed class PackedPackages : IAsyncLifetime
{
    private static readonly string[] Packed = ["Rpc.Protocol", "Rpc.Invocation", "Rpc.Middleware", "Rpc.Client", "Rpc.Generator"];

    private readonly TemporaryFolder _folder = new();
    private int _projects;

    public async ValueTask InitializeAsync()
    {
        string projects = string.Join(';', Packed.Select(project => Path.Combine(Paths.Repository, "src", project, project + ".csproj")));
        _folder.Write("pack.proj", $"""
            <Project>
              <Target Name="Pack">
                <MSBuild Projects="{projects}" Targets="Pack" Properties="Configuration={Paths.Configuration};NoBuild=true;PackageOutputPath={_folder["packages"]}" />
              </Target>
            </Project>
            """);
        _folder.Write("nuget.config", $"""
            <configuration>
              <packageSources><clear /><add key="packed" value="{_folder["packages"]}" /></packageSources>
              <fallbackPackageFolders><clear /><add key="restored" value="{Paths.Packages}" /></fallbackPackageFolders>
              <config><add key="globalPackagesFolder" value="{_folder["cache"]}" /></config>
            </configuration>
            """);
        // So that no such file above the temporary folder takes part.
        _folder.Write("Directory.Build.props", "<Project />");
        _folder.Write("Directory.Build.targets", "<Project />");
        _folder.Write("Directory.Packages.props", "<Project />");
        (await Command.RunAsync("dotnet", _folder.Path, "msbuild", "pack.proj", "-t:Pack", "-nologo", "-m:1")).Succeeded();
    }

    /// <summary>A project with the files that belong to it and one item for its .proto files.</summary>
    internal ThrowAwayProject Create(string protobufItems)
    {
        string folder = _folder[$"project{Interlocked.Increment(ref _projects)}"];
        Directory.CreateDirectory(folder);
        ThrowAwayProject project = new(folder);
        project.WriteProject(protobufItems);
        return project;
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
