namespace Kestrel.Rpc.Repository.Tests;

/// <summary>The repository these tests were built from, found by walking up from the test assembly to the solution.</summary>
internal static class RepositoryFiles
{
    private static readonly string[] BuildFolders = ["bin", "obj"];

    public static string Root { get; } = FindRoot();

    /// <summary>"Debug" or "Release": the samples are looked up in the configuration these tests run in.</summary>
    public static string Configuration { get; } =
        new DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/')).Parent!.Name;

    public static string[] SourceProjects { get; } =
        [.. Directory.GetDirectories(Path.Combine(Root, "src")).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    /// <summary>The name of the assembly a project below src builds (src/Directory.Build.props has the same rule).</summary>
    public static string AssemblyNameOf(string project) =>
        "Kestrel.Rpc." + project.Replace("Rpc.", "", StringComparison.Ordinal);

    public static string ProjectFile(string project) => Path.Combine(Root, "src", project, project + ".csproj");

    public static string Read(string relativePath) => File.ReadAllText(Path.Combine(Root, relativePath));

    public static bool Exists(string relativePath) =>
        File.Exists(Path.Combine(Root, relativePath)) || Directory.Exists(Path.Combine(Root, relativePath));

    /// <summary>Relative paths of the files below <paramref name="folder"/>, without what a build left there.</summary>
    public static IEnumerable<string> Below(string folder, string pattern)
    {
        string start = Path.Combine(Root, folder);
        if (!Directory.Exists(start))
        {
            return [];
        }

        return Directory.EnumerateFiles(start, pattern, SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Root, file))
            .Where(file => !file.Split('/').Any(part => BuildFolders.Contains(part)))
            .Order(StringComparer.Ordinal);
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Kestrel.Rpc.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No Kestrel.Rpc.sln above {AppContext.BaseDirectory}.");
    }
}
