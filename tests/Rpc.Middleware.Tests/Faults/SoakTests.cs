using System.Diagnostics;
using System.Globalization;
using System.Reflection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>
/// The soak program in a process of its own: a few seconds by <c>dotnet test</c>, a minute by <c>.ci/run</c>. <c>KESTREL_RPC_SOAK_SECONDS</c> and
/// <c>KESTREL_RPC_SOAK_SEED</c> change that.
/// </summary>
public sealed class SoakTests
{
    private const int DefaultSeconds = 4;

    // It warms up, settles twice, and shares the machine.
    private static readonly TimeSpan Extra = TimeSpan.FromMinutes(3);

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Soak_MixedCallsPeersAndRestarts_LeaveNothingBehind(TransportKind transport)
    {
        // The whole time for one transport, a part of it for the others.
        int seconds = Number("KESTREL_RPC_SOAK_SECONDS", DefaultSeconds);
        int share = transport == TransportKind.IoUring ? seconds : Math.Min(seconds, DefaultSeconds);
        string program = typeof(SoakTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "Soak").Value!;
        ProcessStartInfo info = new("dotnet", [program, "--seconds", Text(share), "--seed", Text(Number("KESTREL_RPC_SOAK_SEED", 1)), "--transport", $"{transport}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(info)!;
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(share) + Extra);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);

            Assert.True(process.ExitCode == 0, $"{await output}\n{await errors}");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number) ? number : otherwise;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
