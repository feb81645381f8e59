using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using System.Runtime.Versioning;
using Kestrel.Rpc.Benchmarks.Load.Client;
using Kestrel.Rpc.Benchmarks.Load.Compare;
using Kestrel.Rpc.Benchmarks.Load.Processes;

namespace Kestrel.Rpc.Load.Tests;

/// <summary>The option that gives every loop of a server a listening socket of its own.</summary>
[SupportedOSPlatform("linux")]
public sealed class ReusePortTests
{
    private const int SolSocket = 1;
    private const int SoReusePort = 15;

    private static readonly int Core = BitOperations.TrailingZeroCount(Process.GetCurrentProcess().ProcessorAffinity);

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("epoll", true)]
    [InlineData("epoll", false)]
    [InlineData("io_uring", true)]
    public async Task Serve_ReusePort_LetsOthersOfItsUserListenThere(string transport, bool reusePort)
    {
        string[] more = reusePort ? ["--reuse-port"] : [];
        using ChildProcess server = ChildProcess.Start(
            "Load",
            Core,
            "dotnet",
            [typeof(LoadRun).Assembly.Location, "serve", "--workload", "echo", "--transport", transport, "--scheduling", "pool", "--loops", "2", "--port", "0", .. more]);
        string line = await server.ReadLineAsync(Limit, CancellationToken.None);
        int port = int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.SetRawSocketOption(SolSocket, SoReusePort, BitConverter.GetBytes(1));

        Exception? error = Record.Exception(() => other.Bind(new IPEndPoint(IPAddress.Loopback, port)));
        await server.TerminateAsync(Limit, CancellationToken.None);

        Assert.Equal(reusePort, error is null);
    }
}
