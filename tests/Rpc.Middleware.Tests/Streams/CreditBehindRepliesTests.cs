using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Credit for requests while the replies of the same call wait for credit.</summary>
public sealed class CreditBehindRepliesTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly RpcMethod<BytesValue, BytesValue> Both = StreamServer.Method<BytesValue, BytesValue>(RpcMethodShape.DuplexStreaming, "Both");
    private static readonly RpcMethod<BytesValue, Int32Value> Upload = StreamServer.Method<BytesValue, Int32Value>(RpcMethodShape.ClientStreaming, "Upload");

    // The handler reads whatever happens to its replies: the caller may send all before it reads.
    [Fact]
    public async Task Requests_WhileRepliesWaitForCredit_AreGrantedMore()
    {
        int read = 0;
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = app => MapBoth(app, () => Interlocked.Increment(ref read)) });
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using RpcDuplexStreamingCall<BytesValue, BytesValue> call = connection.StartDuplexStream(Both);

        for (int i = 0; i < 50; i++)
        {
            try
            {
                await call.Requests.WriteAsync(StreamServer.Bytes(60_000)).AsTask().WaitAsync(Patience);
            }
            catch (TimeoutException)
            {
                Assert.Fail($"Request {i} found no credit; the handler has read {Volatile.Read(ref read)}.");
            }
        }

        await call.Requests.CompleteAsync().InTime();
        int replies = 0;
        while (await call.Replies.MoveNextAsync().InTime())
        {
            replies++;
        }

        Assert.Equal(20, replies);
    }

    // One call whose replies nobody reads takes the connection's credit with it.
    [Fact]
    public async Task Requests_OfAnotherCallOfTheConnection_AreGrantedMore()
    {
        int read = 0;
        int uploaded = 0;
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app =>
            {
                MapBoth(app, () => Interlocked.Increment(ref read));
                app.MapRpc("test/Upload", async (IRpcStreamReader<BytesValue> requests) =>
                {
                    while (await requests.MoveNextAsync())
                    {
                        Interlocked.Increment(ref uploaded);
                    }

                    return new Int32Value { Value = uploaded };
                });
            },
        });
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using RpcDuplexStreamingCall<BytesValue, BytesValue> slow = connection.StartDuplexStream(Both);
        using RpcClientStreamingCall<BytesValue, Int32Value> upload = connection.StartClientStream(Upload);

        // 34 * 60,020 bytes are just under half of the connection's 4 MiB; the slow call's request makes it more.
        for (int i = 0; i < 34; i++)
        {
            await upload.Requests.WriteAsync(StreamServer.Bytes(60_000)).InTime();
        }

        await Until(() => Volatile.Read(ref uploaded) == 34);
        await slow.Requests.WriteAsync(StreamServer.Bytes(60_000)).InTime();
        await Until(() => Volatile.Read(ref read) == 1);
        for (int i = 0; i < 100; i++)
        {
            try
            {
                await upload.Requests.WriteAsync(StreamServer.Bytes(60_000)).AsTask().WaitAsync(Patience);
            }
            catch (TimeoutException)
            {
                Assert.Fail($"Upload {34 + i} found no credit; the handler has read {Volatile.Read(ref uploaded)}.");
            }
        }
    }

    private static void MapBoth(WebApplication app, Action onRead) =>
        app.MapRpc("test/Both", async (IRpcStreamReader<BytesValue> requests, IRpcStreamWriter<BytesValue> replies) =>
        {
            Task writing = Task.Run(async () =>
            {
                for (int i = 0; i < 20; i++)
                {
                    await replies.WriteAsync(StreamServer.Bytes(60_000));
                }
            });
            while (await requests.MoveNextAsync())
            {
                onRead();
            }

            await writing;
        });

    private static async Task Until(Func<bool> condition)
    {
        for (int i = 0; !condition(); i++)
        {
            Assert.True(i < 1000);
            await Task.Delay(10);
        }
    }
}
