using System.ComponentModel;
using System.Diagnostics;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>Compiles C programs of benchmarks/limits into a folder of its own, and removes it when disposed of.</summary>
internal sealed class LimitPrograms : IDisposable
{
    private static readonly TimeSpan CompileTime = TimeSpan.FromSeconds(60);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kestrel-rpc-limits-");
    private readonly Dictionary<LimitSource, string> _executables = [];

    private LimitPrograms()
    {
    }

    /// <summary>Why some are missing, for the report.</summary>
    public List<string> Missing { get; } = [];

    /// <summary>Compiles what the variants need.</summary>
    public static LimitPrograms Compile(IEnumerable<Variant> variants)
    {
        var programs = new LimitPrograms();
        foreach (Variant variant in variants)
        {
            if (variant.Limit is { } source && !programs._executables.ContainsKey(source))
            {
                programs.Compile(variant.Name, source);
            }
        }

        return programs;
    }

    /// <summary>Whether the variant can run: a transport always can.</summary>
    public bool Has(Variant variant) => variant.Limit is null || _executables.ContainsKey(variant.Limit);

    /// <summary>The compiled program.</summary>
    public string PathOf(LimitSource source) => _executables[source];

    public void Dispose() => _folder.Delete(recursive: true);

    private void Compile(string name, LimitSource source)
    {
        string executable = Path.Combine(_folder.FullName, Path.GetFileNameWithoutExtension(source.File));
        List<string> arguments = ["-O2", Path.Combine(AppContext.BaseDirectory, "limits", source.File), "-o", executable];
        if (source.Library is { } library)
        {
            arguments.Add($"-l{library}");
        }

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
                string hint = source.Package is { } package ? $" (it needs {package})" : "";
                Missing.Add($"{name}: {reason.Trim()}{hint}");
            }
            else
            {
                _executables.Add(source, executable);
            }
        }
        catch (Win32Exception e)
        {
            // The compiler is not installed; the comparison goes on without this peer, and the report says so.
            Missing.Add($"{name}: gcc does not start ({e.Message})");
        }
    }
}
