using System.Diagnostics;

namespace Kestrel.Rpc.Generator.Tests;

/// <summary>A command that runs to its end.</summary>
/// <param name="ExitCode">What it ended with.</param>
/// <param name="Output">Both of its output streams, one behind the other.</param>
internal sealed record Command(int ExitCode, string Output)
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(3);

    public static async Task<Command> RunAsync(string program, string folder, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // What the test run sets for itself must not reach a build that is to behave as in a user's shell.
        foreach (string name in start.Environment.Keys.Where(IsOfTheTestRun).ToArray())
        {
            start.Environment.Remove(name);
        }

        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["MSBUILDTERMINALLOGGER"] = "off";
        using Process process = Process.Start(start)!;
        try
        {
            process.StandardInput.Close();
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Task<string> error = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync().WaitAsync(Longest);
            return new Command(process.ExitCode, await output.WaitAsync(Longest) + await error.WaitAsync(Longest));
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    /// <summary>Fails with everything that it said unless it ended well.</summary>
    public Command Succeeded()
    {
        Assert.True(ExitCode == 0, Output);
        return this;
    }

    private static bool IsOfTheTestRun(string name) =>
        name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("VSTEST", StringComparison.OrdinalIgnoreCase)
        || name is "DOTNET_CLI_TEST_TRACEFILE" or "ASPNETCORE_URLS" or "ASPNETCORE_ENVIRONMENT" or "DOTNET_ENVIRONMENT" or "DOTNET_HOST_PATH" or "NUGET_PACKAGES";
}
