using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>samples/Bare: two protocols on bare connection handlers.</summary>
public sealed class BareSampleTests
{
    private static readonly string Program =
        Path.Combine(RepositoryFiles.Root, "samples/Bare/bin", RepositoryFiles.Configuration, "net10.0/Bare.dll");

    [Fact]
    public async Task Bare_BothProtocols_AnswerAsTheirReadmeSays()
    {
        int discard = GoldenCall.FreePort();
        int count = GoldenCall.FreePort();
        await using RunningProcess bare = RunningProcess.Start("dotnet", RepositoryFiles.Root, Program, Text(discard), Text(count));
        await bare.WaitForOutputAsync($"127.0.0.1:{count}");

        Assert.Equal("6\n11\n", await ExchangeAsync(count, "hello\nworld"));
        Assert.Equal("0\n", await ExchangeAsync(count, ""));
        Assert.Equal("1000000\n", await ExchangeAsync(count, new string('x', 1_000_000)));
        Assert.Equal("", await ExchangeAsync(discard, new string('x', 1_000_000)));

        bare.Terminate();
        Assert.Equal(0, await bare.WaitForExitAsync());
    }

    private static async Task<string> ExchangeAsync(int port, string text)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port).WaitAsync(RunningProcess.Limit);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(text)).AsTask().WaitAsync(RunningProcess.Limit);
        socket.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        return await reader.ReadToEndAsync().WaitAsync(RunningProcess.Limit);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
