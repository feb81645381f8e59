using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Connections that are not RPC, or do not say what they are.</summary>
public sealed class SniffTests
{
    [Theory]
    [InlineData("12")]
    [InlineData("1235ff")]
    [InlineData("00")]
    [InlineData("16")]
    [InlineData("50525043")]
    public async Task UnknownBytes_HttpIsServed_GoToHttp(string hex)
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Convert.FromHexString(hex));
        peer.EndSending();

        // Kestrel answers a broken request line with 400, and closes silently on one that is merely cut off.
        string answer = Encoding.ASCII.GetString(await peer.ReceiveToEndAsync());
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 400", StringComparison.Ordinal), answer);
        Assert.Empty(server.Logs.Ours);
        await server.ExpectNothingLeftAsync();
    }

    [Theory]
    [InlineData("1235", 10, LogLevel.Information)]
    [InlineData("00", 10, LogLevel.Information)]
    [InlineData("160301", 12, LogLevel.Error)]
    public async Task UnknownBytes_NothingElseIsServed_ClosedWithOneLine(string hex, int logId, LogLevel level)
    {
        await using TestServer server = await StartRpcOnlyAsync();
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Convert.FromHexString(hex));

        await peer.ExpectEndAsync();
        await server.ExpectNothingLeftAsync();
        LogLine line = Assert.Single(server.Logs.Ours);
        Assert.Equal((logId, level), (line.Id, line.Level));
        Assert.DoesNotContain(server.Logs.All, other => other.Message.Contains("at least one protocol", StringComparison.Ordinal));
    }

    [Fact]
    public async Task HalfTheMagicThenEnd_NothingElseIsServed_ClosedWithOneLine()
    {
        await using TestServer server = await StartRpcOnlyAsync();
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(new byte[] { 0x12 });
        peer.EndSending();

        await peer.ExpectEndAsync();
        await server.ExpectNothingLeftAsync();
        Assert.Equal(10, Assert.Single(server.Logs.Ours).Id);
    }

    [Fact]
    public async Task RpcOnly_GoldenRequest_IsAnswered()
    {
        await using TestServer server = await StartRpcOnlyAsync();
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Request);

        Assert.Equal(Golden.Reply, await peer.ReceiveExactlyAsync(Golden.Reply.Length));
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Connection_ClosedOrResetBeforeAnyByte_LeavesNothing(TransportKind transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport);
        await using (RawPeer closed = await server.ConnectAsync())
        {
            closed.EndSending();
            await closed.ExpectEndAsync();
        }

        await using RawPeer reset = await server.ConnectAsync();
        reset.Reset();

        await server.ExpectNothingLeftAsync();
        Assert.DoesNotContain(server.Logs.All, line => line.Level >= LogLevel.Warning || line.Category == "Kestrel.Rpc.Server" && line.Level >= LogLevel.Information);
    }

    [Theory]
    [InlineData("")]
    [InlineData("12")]
    public async Task SilentConnection_TimeIsOver_ClosedWithOneLine(string hex)
    {
        ManualTime time = new();
        await using TestServer server = await StartAsync(time, rpc => rpc.Connections.SniffTimeout = TimeSpan.FromSeconds(5));
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(Convert.FromHexString(hex));
        await time.WaitForTimersAsync(1);

        time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.Equal(1, server.OpenConnections);
        time.Advance(TimeSpan.FromSeconds(0.1));

        await peer.ExpectEndAsync();
        await server.ExpectNothingLeftAsync();
        Assert.Equal(11, Assert.Single(server.Logs.Ours).Id);
    }

    [Fact]
    public async Task SilentConnection_NoTimeoutGiven_KestrelsRequestHeadersTimeoutCounts()
    {
        ManualTime time = new();
        await using TestServer server = await StartAsync(
            time, kestrel: kestrel => kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(7));
        await using RawPeer peer = await server.ConnectAsync();
        await time.WaitForTimersAsync(1);

        time.Advance(TimeSpan.FromSeconds(7));

        await peer.ExpectEndAsync();
        Assert.Contains("00:00:07", Assert.Single(server.Logs.Ours).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connection_HasShownItsProtocol_TimeoutIsOver()
    {
        ManualTime time = new();
        await using TestServer server = await StartAsync(time);
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(Golden.Request);
        await peer.ReceiveAsync();

        time.Advance(TimeSpan.FromHours(1));
        await peer.SendAsync(Golden.Request);

        Assert.Equal(Golden.Reply, await peer.ReceiveExactlyAsync(Golden.Reply.Length));
    }

    [Fact]
    public async Task TlsHandshake_ReachesTheSniff_IsReportedOnce()
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        for (int i = 0; i < 3; i++)
        {
            await using RawPeer peer = await server.ConnectAsync();
            await peer.SendAsync(Convert.FromHexString("16030100050100000000"));
            peer.EndSending();
            await peer.ReceiveToEndAsync();
        }

        LogLine line = Assert.Single(server.Logs.Ours);
        Assert.Equal((12, LogLevel.Error), (line.Id, line.Level));
    }

    private static Task<TestServer> StartRpcOnlyAsync() => TestServer.StartAsync(new TestServerSetup
    {
        Listen = options =>
        {
            options.UseRpc();
            options.Protocols = HttpProtocols.None;
        },
    });

    private static Task<TestServer> StartAsync(
        ManualTime time, Action<RpcServerOptions>? rpc = null, Action<KestrelServerOptions>? kestrel = null) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddSingleton<TimeProvider>(time),
            Rpc = rpc,
            Kestrel = kestrel,
        });
}
