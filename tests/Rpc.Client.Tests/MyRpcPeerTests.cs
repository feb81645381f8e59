using System.Net.Sockets;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests;

/// <summary>Against a MyRPC server in another language and another process.</summary>
public sealed class MyRpcPeerTests
{
    private static readonly RpcConnectionOptions OneRequestAtATime = new() { OneRequestAtATime = true };

    [Fact]
    public async Task Peer_TwoRequestsInOnePiece_LosesTheSecondAsTheOriginalDoes()
    {
        await using MyRpcPeer peer = await MyRpcPeer.StartAsync();
        using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(peer.EndPoint).Within();
        byte[] reply = Wire.Reply(1, "Hello x", type: 1);
        await socket.SendAsync((byte[])[.. Wire.Reply(1, "x", type: 1), .. Wire.Reply(2, "x", type: 1)]).Within();
        Assert.Equal(reply, await ReadAsync(socket, reply.Length));
        await socket.SendAsync(Wire.Reply(3, "x", type: 1)).Within();
        Assert.Equal(Wire.Reply(3, "Hello x", type: 1), await ReadAsync(socket, reply.Length));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Call_Hello_IsAnswered(bool tolerant)
    {
        await using MyRpcPeer peer = await MyRpcPeer.StartAsync(tolerant);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(peer.EndPoint, new RpcConnectionOptions { ProtocolVersion = 1 }).Within();
        foreach (string text in (string[])["world", "", "Wörld 😀", new string('x', 100_000)])
        {
            Assert.Equal($"Hello {text}", (await HelloAsync(connection, text).Within()).Value);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Calls_ManyAtOnce_AreAllAnsweredRightly(bool tolerant)
    {
        await using MyRpcPeer peer = await MyRpcPeer.StartAsync(tolerant);
        RpcConnectionOptions options = tolerant ? new RpcConnectionOptions { ProtocolVersion = 1 } : OneRequestAtATime;
        await using RpcConnection connection = await RpcConnection.ConnectAsync(peer.EndPoint, options).Within();
        StringValue[] replies = await Task.WhenAll(Enumerable.Range(0, 2_000).Select(i => HelloAsync(connection, $"{i}"))).Within();
        Assert.Equal(Enumerable.Range(0, 2_000).Select(i => $"Hello {i}"), replies.Select(reply => reply.Value));
        Assert.Equal(0, connection.PendingCalls);
    }

    [Fact]
    public async Task Call_MethodThePeerDoesNotAnswer_EndsWithItsTokenAndOthersGoOn()
    {
        await using MyRpcPeer peer = await MyRpcPeer.StartAsync(tolerant: true);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(peer.EndPoint, new RpcConnectionOptions { ProtocolVersion = 1 }).Within();
        using CancellationTokenSource source = new();
        Task<StringValue> unanswered =
            connection.CallAsync<StringValue, StringValue>("helloworld", "Nope", Wire.Text("a"), source.Token).AsTask();
        Assert.Equal("Hello b", (await HelloAsync(connection, "b").Within()).Value);
        Assert.False(unanswered.IsCompleted);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => unanswered.Within());
    }

    [Fact]
    public async Task Calls_PeerIsKilled_FailClearly()
    {
        await using MyRpcPeer peer = await MyRpcPeer.StartAsync();
        await using RpcConnection connection = await RpcConnection.ConnectAsync(peer.EndPoint, new RpcConnectionOptions { ProtocolVersion = 1 }).Within();
        await HelloAsync(connection, "a").Within();
        Task<StringValue> unanswered = connection.CallAsync<StringValue, StringValue>("helloworld", "Nope", Wire.Text("a")).AsTask();
        peer.Kill();
        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => unanswered.Within());
        Assert.True(failed.Code is RpcErrorCode.Connection or RpcErrorCode.Network, failed.ToString());
    }

    private static Task<StringValue> HelloAsync(RpcConnection connection, string text) =>
        connection.CallAsync<StringValue, StringValue>("helloworld", "Hello", Wire.Text(text)).AsTask();

    private static async Task<byte[]> ReadAsync(Socket socket, int count)
    {
        byte[] bytes = new byte[count];
        for (int read = 0; read < count;)
        {
            int some = await socket.ReceiveAsync(bytes.AsMemory(read)).Within();
            Assert.NotEqual(0, some);
            read += some;
        }

        return bytes;
    }
}
