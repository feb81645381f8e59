using System.Diagnostics;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Native;

namespace Kestrel.Rpc.Benchmarks.Load.Processes;

/// <summary>A process spoken to in lines. It is killed when disposed of, if it has not ended by then.</summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;
    private readonly string _name;
    private readonly Task<string> _errors;

    private ChildProcess(Process process, string name)
    {
        _process = process;
        _name = name;
        _errors = process.StandardError.ReadToEndAsync();
    }

    public int Id => _process.Id;

    /// <summary>Starts a program, pinned to one core or on any.</summary>
    public static ChildProcess Start(string name, int? core, string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (core is not { } number)
        {
            return new ChildProcess(Process.Start(start)!, name);
        }

        using (new CpuAffinity(number))
        {
            return new ChildProcess(Process.Start(start)!, name);
        }
    }

    /// <summary>Starts this program again with another command.</summary>
    public static ChildProcess StartSelf(string name, int? core, IEnumerable<string> arguments)
    {
        // "dotnet Load.dll compare" runs in the process "dotnet", and the tests in one of theirs.
        string process = Environment.ProcessPath!;
        return Path.GetFileName(process) == typeof(ChildProcess).Assembly.GetName().Name
            ? Start(name, core, process, arguments)
            : Start(name, core, "dotnet", arguments.Prepend(typeof(ChildProcess).Assembly.Location));
    }

    public void WriteLine(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>The next line of its output.</summary>
    /// <exception cref="LoadException">It ended, or took longer than <paramref name="limit"/>.</exception>
    public async Task<string> ReadLineAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        try
        {
            // Waited for from outside: a read from a pipe does not look at a token.
            return await _process.StandardOutput.ReadLineAsync(CancellationToken.None).AsTask().WaitAsync(limit, cancellationToken)
                ?? throw new LoadException($"{_name} ended: {await ErrorsAsync(cancellationToken)}");
        }
        catch (TimeoutException)
        {
            throw new LoadException($"{_name} said nothing for {limit.TotalSeconds} s");
        }
    }

    /// <summary>Closes its input and waits for its end.</summary>
    /// <exception cref="LoadException">It failed, or took longer than <paramref name="limit"/>.</exception>
    public Task EndAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        _process.StandardInput.Close();
        return WaitAsync(limit, cancellationToken);
    }

    /// <summary>Sends SIGTERM and waits for its end.</summary>
    /// <exception cref="LoadException">It failed, or took longer than <paramref name="limit"/>.</exception>
    public Task TerminateAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        // Fails only if the process has ended already, which the wait finds out.
        _ = Libc.kill(_process.Id, Libc.SIGTERM);
        return WaitAsync(limit, cancellationToken);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private async Task WaitAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        try
        {
            await _process.WaitForExitAsync(cancellationToken).WaitAsync(limit, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new LoadException($"{_name} did not end within {limit.TotalSeconds} s");
        }

        // A C program has no handler: the signal ends it, which the runtime reports as 128 + its number.
        if (_process.ExitCode is not (0 or 128 + Libc.SIGTERM))
        {
            throw new LoadException($"{_name} ended with {_process.ExitCode}: {await ErrorsAsync(cancellationToken)}");
        }
    }

    /// <summary>The first line of what it wrote to standard error, for a message.</summary>
    private async Task<string> ErrorsAsync(CancellationToken cancellationToken)
    {
        string errors = await _errors.WaitAsync(TimeSpan.FromSeconds(5), cancellationToken);
        return errors.Trim().Split('\n')[0];
    }
}
