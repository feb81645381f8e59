using System.Diagnostics;
using System.Globalization;
using System.Reflection;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>
/// Runs one check in a process of its own: for what a process has only one of (limits, signals, memory, threads) and for
/// other settings of the runtime.
/// </summary>
internal static class ChildProcess
{
    public const string Argument = "--child-check";

    private const string LimitVariable = "CONFORMANCE_TIME_LIMIT_MS";
    private const string SkipMark = "$XunitDynamicSkip$";
    private const int Failed = 1;
    private const int Skipped = 3;

    /// <summary>Runs a static check in a child and fails as it failed there.</summary>
    public static async Task RunCheckAsync(
        Func<TransportVariant, Task> check,
        TransportVariant variant,
        params (string Name, string Value)[] environment)
    {
        string program = Path.Combine(AppContext.BaseDirectory, Path.GetFileNameWithoutExtension(typeof(ChildProcess).Assembly.Location));
        string name = $"{check.Method.DeclaringType!.Name}.{check.Method.Name}";
        var start = new ProcessStartInfo(program, [Argument, name, variant.ToString()])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment[LimitVariable] = TimeLimit.Current.TotalMilliseconds.ToString(CultureInfo.InvariantCulture);
        foreach ((string variable, string value) in environment)
        {
            start.Environment[variable] = value;
        }

        using Process child = Process.Start(start)!;
        Task<string> output = child.StandardOutput.ReadToEndAsync();
        Task<string> errors = child.StandardError.ReadToEndAsync();
        try
        {
            // The child has time limits of its own; this one is for a child that cannot keep them.
            using var limit = new CancellationTokenSource(5 * TimeLimit.Current);
            await child.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            child.Kill();
            Assert.Fail($"The child process of {name} hangs. {await output.Limited()} {await errors.Limited()}");
        }

        string text = await output.Limited() + await errors.Limited();
        if (child.ExitCode == Skipped)
        {
            Assert.Skip(text);
        }

        Assert.True(child.ExitCode == 0, $"{name} on {variant} ended with {child.ExitCode} in its child process: {text}");
    }

    /// <summary>The child's side.</summary>
    public static async Task<int> RunAsync(string check, string variant)
    {
        if (Environment.GetEnvironmentVariable(LimitVariable) is { } limit)
        {
            TimeLimit.Set(TimeSpan.FromMilliseconds(double.Parse(limit, CultureInfo.InvariantCulture)));
        }

        string[] parts = check.Split('.');
        MethodInfo method = typeof(ChildProcess).Assembly.GetTypes().Single(type => type.Name == parts[0])
            .GetMethod(parts[1], BindingFlags.Static | BindingFlags.Public)!;
        try
        {
            await method.CreateDelegate<Func<TransportVariant, Task>>()(TransportVariants.Parse(variant));
            return 0;
        }
        catch (Exception skip) when (skip.Message.StartsWith(SkipMark, StringComparison.Ordinal))
        {
            Console.WriteLine(skip.Message[SkipMark.Length..]);
            return Skipped;
        }
        catch (Exception failure)
        {
            // The parent fails the test with it.
            Console.WriteLine(failure);
            return Failed;
        }
    }
}
