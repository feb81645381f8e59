using System.Buffers;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Requests that are small until they are decompressed, many at once.</summary>
public sealed class BombTests
{
    private const int Longest = 1024 * 1024;
    private const int AtOnce = 4; // longest messages that all calls of a connection may have grown by

    [Theory]
    [InlineData(RpcEncoding.Gzip, false), InlineData(RpcEncoding.Gzip, true)]
    [InlineData(RpcEncoding.Brotli, false), InlineData(RpcEncoding.Brotli, true)]
    [InlineData(RpcEncoding.Snappy, false), InlineData(RpcEncoding.Snappy, true)]
    public async Task Requests_ManyThatGrow_AreBoundedTogether(RpcEncoding encoding, bool isCut)
    {
        const int Calls = 12;
        TaskCompletionSource open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Limits.MaxBodyLength = Longest;
                options.Limits.MaxConcurrentCallsPerConnection = 2 * Calls;
            },
            App = app => app.MapRpc(Golden.Name, async (HelloRequest request) =>
            {
                await open.Task.InTime();
                return new HelloReply { Msg = $"{request.Msg.Length}" };
            }),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        byte[] bomb = Compress(encoding, new HelloRequest { Msg = new string('a', Longest - 100) });
        Assert.InRange(bomb.Length, 1, 60_000);

        for (uint id = 1; id <= Calls; id++)
        {
            await SendAsync(peer, id, bomb, encoding, isCut);
        }

        // Those that are too much are told at once, while the others run.
        for (uint id = AtOnce + 1; id <= Calls; id++)
        {
            Version2Reply refused = await ReceiveResponseAsync(peer);
            Assert.Equal((id, RpcStatusCode.ResourceExhausted), (refused.Id, refused.Status.Code));
            Assert.True(refused.Flags.HasFlag(RpcCallBits.NotProcessed));
        }

        open.SetResult();
        for (int i = 0; i < AtOnce; i++)
        {
            Assert.Equal($"{Longest - 100}", (await ReceiveResponseAsync(peer)).Text);
        }

        // What has ended makes room.
        await SendAsync(peer, Calls + 1, bomb, encoding, isCut);
        Assert.Equal($"{Longest - 100}", (await ReceiveResponseAsync(peer)).Text);
    }

    [Fact]
    public async Task Requests_ManyThatGrowALittle_AllRun()
    {
        const int Calls = 1_000; // as many as a connection may have; together they grow by more than four longest messages
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Limits.MaxBodyLength = Longest,
            App = app => app.MapRpc(Golden.Name, async (HelloRequest request, CancellationToken token) =>
            {
                await gate.HandleAsync(new HelloRequest { Msg = "held" }, token);
                return new HelloReply { Msg = $"{request.Msg.Length}" };
            }),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        byte[] body = Compress(RpcEncoding.Gzip, new HelloRequest { Msg = new string('a', 60_000) });

        for (uint id = 1; id <= Calls; id++)
        {
            await SendAsync(peer, id, body, RpcEncoding.Gzip, isCut: false);
        }

        await gate.WaitForStartedAsync(Calls);
        gate.Open();
        for (int i = 0; i < Calls; i++)
        {
            Assert.Equal("60000", (await peer.ReceiveAsync()).Text);
        }
    }

    private static Task SendAsync(Version2Peer peer, uint id, byte[] body, RpcEncoding encoding, bool isCut)
    {
        if (!isCut)
        {
            return peer.SendAsync(Version2Frames.Request(id, new RpcCallHeader { Flags = RpcCallBits.End | RpcCallBits.Compressed, Encoding = encoding }, body));
        }

        RpcCallHeader first = new() { Flags = RpcCallBits.More | RpcCallBits.Compressed, Encoding = encoding, MessageLength = body.Length };
        return peer.SendAsync(Version2Frames.Request(id, first, body[..1]), Version2Frames.Data(id, RpcCallBits.End, body[1..]));
    }

    private static async Task<Version2Reply> ReceiveResponseAsync(Version2Peer peer)
    {
        Version2Reply reply;
        while ((reply = await peer.ReceiveAsync()).Type == RpcFrameType.Credit)
        {
            // For the pieces.
        }

        Assert.Equal(RpcFrameType.Response, reply.Type);
        return reply;
    }

    private static byte[] Compress(RpcEncoding encoding, HelloRequest request)
    {
        ArrayBufferWriter<byte> output = new();
        RpcCompression.Compress(encoding, new ReadOnlySequence<byte>(request.ToByteArray()), output);
        return output.WrittenSpan.ToArray();
    }
}
