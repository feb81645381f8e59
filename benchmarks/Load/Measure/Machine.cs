using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Benchmarks.Load.Measure;

/// <summary>Where, when and how a run took place.</summary>
internal sealed record Machine
{
    public required string Date { get; init; }

    public required string Command { get; init; }

    /// <summary>The commit of the source, with "+changes" if the work tree differs from it; "unknown" outside a repository.</summary>
    public required string Commit { get; init; }

    public required string Kernel { get; init; }

    public required string Cpu { get; init; }

    public required int Cores { get; init; }

    public required string Runtime { get; init; }

    /// <summary>The load average of the last minute at the start: above about 0.2 the machine was not quiet.</summary>
    public required double LoadAverage { get; init; }

    public static Machine Describe() => new()
    {
        Date = DateTimeOffset.Now.ToString("yyyy-MM-dd HH:mm zzz", CultureInfo.InvariantCulture),
        Command = $"Load {string.Join(' ', Environment.GetCommandLineArgs().Skip(1))}",
        Commit = Git("rev-parse --short=12 HEAD") is { Length: > 0 } commit
            ? commit + (Git("status --porcelain --untracked-files=no").Length > 0 ? "+changes" : "")
            : "unknown",
        Kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
        Cpu = Processor(),
        Cores = Environment.ProcessorCount,
        Runtime = RuntimeInformation.FrameworkDescription,
        LoadAverage = double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture),
    };

    /// <summary>The lines of the report's head.</summary>
    public IEnumerable<string> Lines() =>
    [
        $"date     {Date}",
        $"command  {Command}",
        $"commit   {Commit}",
        $"machine  {Cpu}, {Cores} cores, kernel {Kernel}, {Runtime}",
        string.Create(CultureInfo.InvariantCulture, $"load     {LoadAverage:F2} before the start"),
    ];

    private static string Processor()
    {
        // x86 names its model; other architectures need not.
        string? line = File.ReadLines("/proc/cpuinfo").FirstOrDefault(text => text.StartsWith("model name", StringComparison.Ordinal));
        return line is null ? RuntimeInformation.ProcessArchitecture.ToString() : line[(line.IndexOf(':') + 1)..].Trim();
    }

    private static string Git(string arguments)
    {
        try
        {
            var start = new ProcessStartInfo("git", arguments)
            {
                WorkingDirectory = AppContext.BaseDirectory,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using Process git = Process.Start(start)!;
            string output = git.StandardOutput.ReadToEnd();
            git.WaitForExit();
            return git.ExitCode == 0 ? output.Trim() : "";
        }
        catch (Win32Exception)
        {
            // No git here: the report says that the commit is unknown.
            return "";
        }
    }
}
