using System.Reflection;
using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Generator.Tests;

/// <summary>Where things are.</summary>
internal static class Paths
{
    public static string Repository { get; } = FindRepository();

    /// <summary>"Debug" or "Release", as these tests were built.</summary>
    public static string Configuration { get; } = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/')).Parent!.Name;

    /// <summary>The folder of this project.</summary>
    public static string Tests { get; } = Path.Combine(Repository, "tests/Rpc.Generator.Tests");

    /// <summary>The folder in which kestrel/rpc/options.proto is.</summary>
    public static string Include { get; } = Path.Combine(Repository, "src/Rpc.Generator/include");

    /// <summary>What protoc starts.</summary>
    public static string Plugin { get; } = Path.Combine(Repository, "src/Rpc.Generator/bin", Configuration, "net10.0/protoc-gen-kestrelrpc");

    /// <summary>The package of Grpc.Tools.</summary>
    public static string GrpcTools { get; } = Metadata("GrpcTools");

    /// <summary>The packages that restoring this repository has brought.</summary>
    public static string Packages { get; } = Metadata("PackagesFolder");

    public static string Protoc { get; } = Path.Combine(
        GrpcTools, "tools", RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "linux_arm64" : "linux_x64", "protoc");

    private static string Metadata(string key) =>
        typeof(Paths).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;

    private static string FindRepository()
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
