using System.ComponentModel;
using System.Diagnostics;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>Compiles the C servers of benchmarks/limits into a folder of its own, and removes it when disposed of.</summary>
internal sealed class LimitPrograms : IDisposable
{
    private static readonly TimeSpan CompileTime = TimeSpan.FromSeconds(60);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kestrel-rpc-limits-");

    /// <summary>The programs that compiled.</summary>
    public List<LimitProgram> Programs { get; } = [];

    /// <summary>Why others are missing, for the report.</summary>
    public List<string> Missing { get; } = [];

    public static LimitPrograms Compile()
    {
        var limits = new LimitPrograms();
        limits.Compile("C epoll", "epoll_server.c");
        limits.Compile("C io_uring", "uring_server.c", "-luring");
        return limits;
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private void Compile(string name, string source, params string[] libraries)
    {
        string executable = Path.Combine(_folder.FullName, Path.GetFileNameWithoutExtension(source));
        string[] arguments = ["-O2", Path.Combine(AppContext.BaseDirectory, "limits", source), "-o", executable, .. libraries];
        try
        {
            using Process gcc = Process.Start(new ProcessStartInfo("gcc", arguments) { RedirectStandardError = true })!;
            Task<string> errors = gcc.StandardError.ReadToEndAsync();
            if (!gcc.WaitForExit(CompileTime))
            {
                gcc.Kill();
                Missing.Add($"{name}: gcc took longer than {CompileTime.TotalSeconds} s");
            }
            else if (gcc.ExitCode != 0)
            {
                string reason = errors.Result.Split('\n').FirstOrDefault(line => line.Contains("error:", StringComparison.Ordinal)) ?? errors.Result;
                Missing.Add($"{name}: {reason.Trim()}");
            }
            else
            {
                Programs.Add(new LimitProgram(name, executable));
            }
        }
        catch (Win32Exception e)
        {
            // The compiler is not installed; the comparison goes on without this peer, and the report says so.
            Missing.Add($"{name}: gcc does not start ({e.Message})");
        }
    }
}
