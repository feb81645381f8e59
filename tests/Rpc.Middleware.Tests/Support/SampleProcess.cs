using System.Diagnostics;
using System.Reflection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The Hello sample as a process of its own, with what it prints.</summary>
internal sealed class SampleProcess : IAsyncDisposable
{
    private static readonly string Path = typeof(SampleProcess).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "HelloSample").Value!;

    private readonly Process _process;

    private SampleProcess(Process process) => _process = process;

    public static SampleProcess Start(params string[] arguments) => new(Process.Start(new ProcessStartInfo("dotnet", [Path, .. arguments])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!);

    /// <summary>How many sockets the process has open. Its other descriptors are mostly assemblies, loaded when first needed.</summary>
    public int Sockets => new DirectoryInfo($"/proc/{_process.Id}/fd").EnumerateFiles()
        .Count(file => file.LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true);

    /// <summary>Runs the sample to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        await using SampleProcess sample = Start(arguments);
        Task<string> output = sample._process.StandardOutput.ReadToEndAsync();
        Task<string> error = sample._process.StandardError.ReadToEndAsync();
        await sample._process.WaitForExitAsync().InTime();
        return (sample._process.ExitCode, await output.InTime(), await error.InTime());
    }

    /// <summary>Reads what the sample prints until a line holds this text.</summary>
    public async Task<string> ReadUntilAsync(string text)
    {
        List<string> lines = [];
        while (await _process.StandardOutput.ReadLineAsync().InTime() is { } line)
        {
            lines.Add(line);
            if (line.Contains(text, StringComparison.Ordinal))
            {
                // Nobody reads the rest, but a full pipe would stop the sample.
                _ = _process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
                _ = _process.StandardError.BaseStream.CopyToAsync(Stream.Null);
                return string.Join('\n', lines);
            }
        }

        throw new InvalidOperationException($"'{text}' was not printed, but: {string.Join('\n', lines)}");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync().InTime();
        }

        _process.Dispose();
    }
}
