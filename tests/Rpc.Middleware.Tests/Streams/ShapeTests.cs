using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Our client against our server: all shapes, in every form that a handler may have.</summary>
public sealed class ShapeTests
{
    [Theory, MemberData(nameof(StreamServer.Forms), MemberType = typeof(StreamServer))]
    public async Task ServerStream_ManyReplies_ComeInOrderAndEnd(string form)
    {
        await using TestServer server = await StreamServer.StartAsync(form);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        foreach (int count in (int[])[0, 1, 3, 50_000])
        {
            using RpcServerStreamingCall<StringValue> call = connection.StartServerStream(StreamServer.Count, new Int32Value { Value = count });
            for (int i = 1; i <= count; i++)
            {
                Assert.True(await call.Replies.MoveNextAsync().InTime());
                Assert.Equal(StreamServer.Text(i), call.Replies.Current);
            }

            Assert.False(await call.Replies.MoveNextAsync().InTime());
            Assert.Equal(RpcStatus.Ok, call.Status);
        }

        await connection.DisposeAsync();
        await server.ExpectNothingLeftAsync();
    }

    [Theory, MemberData(nameof(StreamServer.Forms), MemberType = typeof(StreamServer))]
    public async Task ClientStream_ManyRequests_AreReadToTheirEnd(string form)
    {
        await using TestServer server = await StreamServer.StartAsync(form);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        foreach (int count in (int[])[0, 1, 3, 30_000])
        {
            using RpcClientStreamingCall<StringValue, Int32Value> call = connection.StartClientStream(StreamServer.Sum);
            for (int i = 1; i <= count; i++)
            {
                await call.Requests.WriteAsync(StreamServer.Text(i)).InTime();
            }

            await call.Requests.CompleteAsync().InTime();
            Assert.Equal(count * (count + 1) / 2, (await call.ReplyAsync.InTime()).Value);
        }

        await connection.DisposeAsync();
        await server.ExpectNothingLeftAsync();
    }

    [Theory, MemberData(nameof(StreamServer.Forms), MemberType = typeof(StreamServer))]
    public async Task Duplex_BothWaysAtOnce_EverythingComesBackInOrder(string form)
    {
        await using TestServer server = await StreamServer.StartAsync(form);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using RpcDuplexStreamingCall<BytesValue, BytesValue> call = connection.StartDuplexStream(StreamServer.Echo);
        int[] lengths = [.. Enumerable.Range(0, 2000).Select(i => i % 100 == 0 ? 300_000 : i % 10 * 1000)];

        Task writing = Task.Run(async () =>
        {
            foreach (int length in lengths)
            {
                await call.Requests.WriteAsync(StreamServer.Bytes(length));
            }

            await call.Requests.CompleteAsync();
        });
        foreach (int length in lengths)
        {
            Assert.True(await call.Replies.MoveNextAsync().InTime());
            Assert.Equal(length, call.Replies.Current.Value.Length);
        }

        Assert.False(await call.Replies.MoveNextAsync().InTime());
        await writing.InTime();
        await connection.DisposeAsync();
        await server.ExpectNothingLeftAsync();
    }

    [Fact]
    public async Task Duplex_OneAtATime_EachReplyComesBeforeTheNextRequest()
    {
        await using TestServer server = await StreamServer.StartAsync("reader and writer", TransportKind.IoUring);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using RpcDuplexStreamingCall<BytesValue, BytesValue> call = connection.StartDuplexStream(StreamServer.Echo);
        for (int i = 0; i < 1000; i++)
        {
            await call.Requests.WriteAsync(StreamServer.Bytes(i)).InTime();
            Assert.True(await call.Replies.MoveNextAsync().InTime());
            Assert.Equal(i, call.Replies.Current.Value.Length);
        }

        await call.Requests.CompleteAsync().InTime();
        Assert.False(await call.Replies.MoveNextAsync().InTime());
    }
}
