using Xunit.Runner.InProc.SystemConsole;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Runs the tests, or a single check when this program was started as a child of a test.</summary>
internal static class Program
{
    public static Task<int> Main(string[] args) =>
        args is [ChildProcess.Argument, var check, var variant] ? ChildProcess.RunAsync(check, variant) : ConsoleRunner.Run(args);
}
