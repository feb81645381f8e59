using Hello;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The bytes of docs/wire-protocol.md, through a socket.</summary>
public sealed class GoldenTests
{
    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Server_GoldenRequest_AnswersGoldenReply(TransportKind transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Request);

        Assert.Equal(Golden.Reply, await peer.ReceiveExactlyAsync(Golden.Reply.Length));
    }

    [Fact]
    public async Task Server_MethodThatDoesNotExist_AnswersGoldenErrorReply()
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Call(1, "world", "helloworld/Nope"));

        Assert.Equal(Golden.ErrorReply, await peer.ReceiveExactlyAsync(Golden.ErrorReply.Length));
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Server_RequestSplitAtEveryByte_AnswersGoldenReply(TransportKind transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport);
        for (int split = 1; split < Golden.Request.Length; split++)
        {
            await using RawPeer peer = await server.ConnectAsync();
            await peer.SendAsync(Golden.Request.AsMemory(0, split));
            await peer.SendAsync(Golden.Request.AsMemory(split));

            Assert.Equal(Golden.Reply, await peer.ReceiveExactlyAsync(Golden.Reply.Length));
        }
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Server_RequestByteByByte_AnswersGoldenReply(TransportKind transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport);
        await using RawPeer peer = await server.ConnectAsync();

        foreach (byte b in Golden.Request)
        {
            await peer.SendAsync(new[] { b });
        }

        Assert.Equal(Golden.Reply, await peer.ReceiveExactlyAsync(Golden.Reply.Length));
    }

    [Theory]
    [InlineData(TransportKind.Sockets, RpcScheduling.ThreadPool)]
    [InlineData(TransportKind.Sockets, RpcScheduling.Inline)]
    [InlineData(TransportKind.Epoll, RpcScheduling.ThreadPool)]
    [InlineData(TransportKind.Epoll, RpcScheduling.Inline)]
    [InlineData(TransportKind.IoUring, RpcScheduling.ThreadPool)]
    [InlineData(TransportKind.IoUring, RpcScheduling.Inline)]
    public async Task Server_ManyFramesInOneSegment_AnswersEach(TransportKind transport, RpcScheduling scheduling)
    {
        const int Count = 500;
        await using TestServer server = await TestServer.StartAsync(
            new TestServerSetup { Transport = transport, Rpc = options => options.Scheduling = scheduling });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Enumerable.Range(0, Count).SelectMany(i => Golden.Call((uint)i, $"n{i}")).ToArray());

        IReadOnlyList<RawReply> replies = await peer.ReceiveAsync(Count);
        Assert.Equal(Enumerable.Range(0, Count).Select(i => (uint)i), replies.Select(reply => reply.SequenceId).Order());
        Assert.All(replies, reply => Assert.Equal($"Hello n{reply.SequenceId}", reply.Msg));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(uint.MaxValue)]
    public async Task Server_AnySequenceId_EchoesIt(uint sequenceId)
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Call(sequenceId));

        Assert.Equal(sequenceId, (await peer.ReceiveAsync()).SequenceId);
    }

    [Fact]
    public async Task Server_WireNames_ReachOneMethodAndAreEchoed()
    {
        const string Qualified = "myrpc.helloworld.Greeter/Hello";
        await using TestServer server = await TestServer.StartAsync(
            new TestServerSetup { App = app => app.MapHello().WithWireName(Qualified).WithWireName("hi/Hi") });
        await using RawPeer peer = await server.ConnectAsync();

        foreach (string name in new[] { Golden.Name, Qualified, "hi/Hi", Golden.Name })
        {
            await peer.SendAsync(Golden.Call(1, "x", name));
            RawReply reply = await peer.ReceiveAsync();
            Assert.Equal("Hello x", reply.Msg);
            Assert.Equal(name, $"{reply.Data.ServiceName}/{reply.Data.MethodName}");
        }
    }

    [Fact]
    public async Task Server_ProtocolDataSpelledOtherwise_AnswersInItsOwnSpelling()
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        await using RawPeer peer = await server.ConnectAsync();
        const string Spelling = """{ "trace" : [1, {"x": 2}], "method_name": "Hello", "service_name": "hello\u0077orld" }""";

        await peer.SendAsync(Golden.Call(1, Spelling, Golden.Request.AsSpan(^7..)));

        Assert.Equal(Golden.Reply, await peer.ReceiveExactlyAsync(Golden.Reply.Length));
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Server_LargeMessages_PassBothWays(TransportKind transport)
    {
        await using TestServer server = await TestServer.StartAsync(
            new TestServerSetup { Transport = transport, Rpc = options => options.Limits.MaxBodyLength = 32 * 1024 * 1024 });
        await using RawPeer peer = await server.ConnectAsync();
        string large = new('x', 20 * 1024 * 1024);

        Task sending = peer.SendAsync(Golden.Call(1, large));
        RawReply reply = await peer.ReceiveAsync();
        await sending;

        Assert.Equal($"Hello {large}", reply.Msg);
    }
}
