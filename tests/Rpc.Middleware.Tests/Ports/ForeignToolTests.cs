using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Clients that others have written: curl and h2load, with our own client on the same port.</summary>
public sealed class ForeignToolTests
{
    [Theory]
    [InlineData("--http1.1", "HTTP/1.1")]
    [InlineData("--http2-prior-knowledge", "HTTP/2")]
    [InlineData("--http2", "HTTP/1.1")] // asks for an upgrade, which Kestrel does not take
    public async Task Curl_EachWayToSpeakHttp_IsServed(string option, string protocol)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = OnePort.MapAll });

        string output = await RunAsync("curl", "-sS", "--max-time", "20", option, $"http://127.0.0.1:{server.EndPoint.Port}/");

        Assert.Equal(protocol, output);
        await server.ExpectNothingLeftAsync();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task H2load_BesideRpcCalls_EveryRequestSucceeds(TransportKind transport)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = OnePort.MapAll, Transport = transport });
        await using RawPeer peer = await server.ConnectAsync();

        Task<string> load = RunAsync(
            "h2load", "-n", "2000", "-c", "4", "-m", "16", "-p", "h2c", $"http://127.0.0.1:{server.EndPoint.Port}/");
        for (uint i = 0; i < 100; i++)
        {
            await peer.SendAsync(Golden.Call(i, "h2load"));
            Assert.Equal("Hello h2load", (await peer.ReceiveAsync()).Msg);
        }

        string output = await load;
        Assert.Matches(new Regex("requests: 2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout"), output);
    }

    private static async Task<string> RunAsync(string tool, params string[] arguments)
    {
        bool isThere = Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, tool)));
        if (!isThere)
        {
            Assert.SkipWhen(Environment.GetEnvironmentVariable("CI") != "true", $"{tool} is not installed.");
            Assert.Fail($"{tool} is not installed.");
        }

        using Process process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        try
        {
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = await process.StandardOutput.ReadToEndAsync().InTime();
            await process.WaitForExitAsync().InTime();
            Assert.True(process.ExitCode == 0, $"{tool} ended with {process.ExitCode}: {await error.InTime()} {output}");
            return output;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }
}
