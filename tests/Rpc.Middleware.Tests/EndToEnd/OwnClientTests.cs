using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Our client against our server.</summary>
public sealed class OwnClientTests
{
    public static IEnumerable<TheoryDataRow<TransportKind, int>> TransportsAndVersions =>
        from transport in Enum.GetValues<TransportKind>() from version in Enumerable.Range(1, 2) select new TheoryDataRow<TransportKind, int>(transport, version);

    [Theory, MemberData(nameof(TransportsAndVersions))]
    public async Task Calls_ManyAtOnceOnOneConnection_EachGetsItsReply(TransportKind transport, int version)
    {
        const int Count = 5000;
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            App = app => app.MapRpc(Golden.Name, async (HelloRequest request) =>
            {
                if (request.Msg.EndsWith('7'))
                {
                    await Task.Yield();
                }

                return new HelloReply { Msg = $"Hello {request.Msg}" };
            }),
        });
        RpcConnectionOptions options = new() { ProtocolVersion = version };
        await using (RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint, options).InTime())
        {
            Task<HelloReply>[] calls = [.. Enumerable.Range(0, Count).Select(i => CallAsync(connection, $"{i}"))];
            HelloReply[] replies = await Task.WhenAll(calls).InTime();

            Assert.Equal(Enumerable.Range(0, Count).Select(i => $"Hello {i}"), replies.Select(reply => reply.Msg));
        }

        await server.ExpectNothingLeftAsync();
        Assert.Empty(server.Logs.Ours);
    }

    [Fact]
    public async Task Calls_ThatFail_ThrowWithTheServersCodeAndMessage()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, HelloReply (HelloRequest request) => request.Msg switch
            {
                "refuse" => throw new RpcException(RpcErrorCode.Client, "not you"),
                _ => throw new InvalidOperationException("secret"),
            }),
        });
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = 1 }).InTime();

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => CallAsync(connection, "refuse"));
        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => CallAsync(connection, "throw"));
        RpcException unknown = await Assert.ThrowsAsync<RpcException>(() => CallAsync(connection, "x", "Nothing"));

        Assert.Equal((RpcErrorCode.Client, "not you"), (refused.Code, refused.Message));
        Assert.Equal((RpcErrorCode.Server, "The handler failed."), (failed.Code, failed.Message));
        Assert.Equal((RpcErrorCode.Server, "Service 'helloworld' has no method 'Nothing'."), (unknown.Code, unknown.Message));
    }

    [Fact]
    public async Task Call_NamesAsLongAsTheLimitAllows_FailsAloneAndTheConnectionLives()
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = 1 }).InTime();
        string name = new('n', RpcFrameLimits.Default.MaxProtocolDataLength - 100);

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => CallAsync(connection, "x", name));

        Assert.Equal(RpcErrorCode.Server, failed.Code);
        Assert.Equal("Hello world", (await CallAsync(connection, "world")).Msg);
    }

    private static Task<HelloReply> CallAsync(RpcConnection connection, string msg, string method = "Hello") =>
        connection.CallAsync<HelloRequest, HelloReply>("helloworld", method, new HelloRequest { Msg = msg }).InTime();
}
