using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What a newcomer does first.</summary>
public sealed partial class HelloSampleTests
{
    [Theory]
    [InlineData("io_uring")]
    [InlineData("epoll")]
    [InlineData("sockets")]
    public async Task Sample_Serves_RpcHttpAndItsOwnClientOnOnePort(string transport)
    {
        await using SampleProcess sample = SampleProcess.Start("--transport", transport, "--port", "0");
        string greeting = await sample.ReadUntilAsync("-- call world");
        string port = Port().Match(greeting).Groups[1].Value;
        await using RawPeer peer = await RawPeer.ConnectAsync(new IPEndPoint(IPAddress.Loopback, int.Parse(port, CultureInfo.InvariantCulture)));
        using HttpClient http = new();

        await peer.SendAsync(Golden.Request);
        string page = await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/")).InTime();
        (int exitCode, string output, string error) = await SampleProcess.RunAsync("call", "world", "--port", port);
        (int secondExitCode, _, string secondError) = await SampleProcess.RunAsync("--port", port, "--transport", transport);

        Assert.Equal(Golden.Reply, await peer.ReceiveExactlyAsync(Golden.Reply.Length));
        Assert.Equal("Hello over HTTP\n", page);
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Matches(@"^Hello world\nconnected in [0-9.]+ ms, answered in [0-9.]+ ms", output);
        Assert.Equal((1, $"Port {port} is in use. Choose another one with --port N.\n"), (secondExitCode, secondError));
        Assert.Contains($"--port {port}", greeting, StringComparison.Ordinal);
        if (transport == "sockets")
        {
            Assert.Contains("Sockets transport serves", greeting, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("io_uring")]
    [InlineData("epoll")]
    [InlineData("sockets")]
    public async Task Sample_HundredsOfBrokenPeers_LeaveNoSocket(string transport)
    {
        byte[][] openings =
        [
            [],
            [0x12],
            Golden.Request[..20],
            Golden.Header(version: 9, type: 1, 1, 0, 0),
            Golden.Header(version: 1, type: 1, 1, 0, 0),
            [.. Golden.Request, .. "garbage"u8],
            "GET / HT"u8.ToArray(),
            "\0\0\0\0"u8.ToArray(),
        ];
        await using SampleProcess sample = SampleProcess.Start("--transport", transport, "--port", "0");
        string port = Port().Match(await sample.ReadUntilAsync("-- call world")).Groups[1].Value;
        IPEndPoint endPoint = new(IPAddress.Loopback, int.Parse(port, CultureInfo.InvariantCulture));

        int before = sample.Sockets;
        Assert.NotEqual(0, before);
        await BreakAsync(endPoint, openings, rounds: 20);

        Assert.Equal(before, await SettleAsync(sample, before));
        await using RawPeer peer = await RawPeer.ConnectAsync(endPoint);
        await peer.SendAsync(Golden.Request);
        Assert.Equal(Golden.Reply, await peer.ReceiveExactlyAsync(Golden.Reply.Length));
    }

    [Theory]
    [InlineData("--transport", "pigeon")]
    [InlineData("--port", "70000")]
    [InlineData("--port")]
    [InlineData("call")]
    [InlineData("call", "--port")]
    [InlineData("serve")]
    public async Task Sample_BadArguments_SaysSoWithExitCode2(params string[] arguments)
    {
        (int exitCode, _, string error) = await SampleProcess.RunAsync(arguments);

        Assert.Equal(2, exitCode);
        Assert.Contains($"'{string.Join(' ', arguments)}' is not understood.", error, StringComparison.Ordinal);
        Assert.Contains("Usage:", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sample_Help_ShowsTheUsage()
    {
        (int exitCode, string output, string error) = await SampleProcess.RunAsync("--help");

        Assert.Equal((0, ""), (exitCode, error));
        Assert.StartsWith("Usage:", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sample_CallWithoutServer_SaysSoWithExitCode1()
    {
        using System.Net.Sockets.Socket unused = new(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        unused.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        int port = ((IPEndPoint)unused.LocalEndPoint!).Port;

        (int exitCode, _, string error) = await SampleProcess.RunAsync("call", "world", "--port", $"{port}");

        Assert.Equal(1, exitCode);
        Assert.StartsWith("The call failed (Connection):", error, StringComparison.Ordinal);
    }

    private static async Task BreakAsync(IPEndPoint endPoint, byte[][] openings, int rounds)
    {
        for (int i = 0; i < rounds * openings.Length; i++)
        {
            await using RawPeer peer = await RawPeer.ConnectAsync(endPoint);
            await peer.SendAsync(openings[i % openings.Length]);
            if (i % 3 == 0)
            {
                peer.Reset();
            }
        }
    }

    // Connections end shortly after their peers; nobody tells this process when.
    private static async Task<int> SettleAsync(SampleProcess sample, int expected)
    {
        for (int tries = 0; sample.Sockets != expected && tries < 1000; tries++)
        {
            await Task.Delay(20);
        }

        return sample.Sockets;
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:(\d+)/")]
    private static partial Regex Port();
}
