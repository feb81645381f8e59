using System.Buffers;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Requests of streams that are small until they are decompressed.</summary>
public sealed class StreamBombTests
{
    private const int Longest = 1024 * 1024;
    private const int AtOnce = 4; // longest messages that all requests of a connection may have grown by
    private const string Name = "helloworld/Upload";

    [Theory]
    [InlineData(RpcEncoding.Gzip, false), InlineData(RpcEncoding.Gzip, true)]
    [InlineData(RpcEncoding.Brotli, false), InlineData(RpcEncoding.Brotli, true)]
    [InlineData(RpcEncoding.Snappy, false), InlineData(RpcEncoding.Snappy, true)]
    public async Task Streams_EachWithAMessageThatGrows_AreBoundedTogether(RpcEncoding encoding, bool isCut)
    {
        const int Calls = 12;
        SemaphoreSlim taken = new(0);
        TaskCompletionSource open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await StartAsync(async (requests, context) =>
        {
            Assert.True(await requests.MoveNextAsync(context.CancellationToken));
            taken.Release();
            await open.Task.InTime();
            return requests.Current.Msg.Length;
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        byte[] bomb = Compress(encoding, Longest - 100);

        for (uint id = 1; id <= Calls; id++)
        {
            await SendAsync(peer, id, bomb, encoding, isCut);
        }

        // Those that are too much are told while the others hold what they have.
        for (int i = 0; i < Calls - AtOnce; i++)
        {
            Assert.Equal(RpcStatusCode.ResourceExhausted, (await ReceiveResponseAsync(peer)).Status.Code);
        }

        for (int i = 0; i < AtOnce; i++)
        {
            Assert.True(await taken.WaitAsync(TimeLimits.Limit));
        }

        Assert.Equal(0, taken.CurrentCount);
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
    public async Task Stream_OfManyMessagesThatGrow_IsReadOneAtATime()
    {
        const int Messages = 50;
        await using TestServer server = await StartAsync(async (requests, context) =>
        {
            int sum = 0;
            while (await requests.MoveNextAsync(context.CancellationToken))
            {
                sum += requests.Current.Msg.Length;
            }

            return sum;
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        byte[] bomb = Compress(RpcEncoding.Brotli, Longest - 100); // a few bytes each: all of them have credit at once

        await peer.SendAsync(Version2Frames.Request(1, new RpcCallHeader { Flags = RpcCallBits.Compressed, Encoding = RpcEncoding.Brotli }, bomb, Name));
        for (int i = 1; i < Messages; i++)
        {
            await peer.SendAsync(Version2Frames.Data(1, RpcCallBits.Compressed | (i == Messages - 1 ? RpcCallBits.End : RpcCallBits.None), bomb));
        }

        Assert.Equal($"{Messages * (Longest - 100)}", (await ReceiveResponseAsync(peer)).Text);
    }

    [Theory]
    [InlineData(RpcEncoding.Gzip), InlineData(RpcEncoding.Brotli), InlineData(RpcEncoding.Snappy)]
    public async Task Stream_MessageOverTheLimitWhenDecompressed_FailsThatCallAlone(RpcEncoding encoding)
    {
        await using TestServer server = await StartAsync(async (requests, context) =>
        {
            Assert.True(await requests.MoveNextAsync(context.CancellationToken));
            return requests.Current.Msg.Length;
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await SendAsync(peer, 1, Compress(encoding, Longest + 10_000), encoding, isCut: false);
        Assert.Equal(RpcStatusCode.ResourceExhausted, (await ReceiveResponseAsync(peer)).Status.Code);
        await SendAsync(peer, 2, Compress(encoding, 100), encoding, isCut: false);
        Assert.Equal("100", (await ReceiveResponseAsync(peer)).Text);
    }

    private static Task<TestServer> StartAsync(Func<IRpcStreamReader<HelloRequest>, RpcContext, Task<int>> handler) => TestServer.StartAsync(new TestServerSetup
    {
        Rpc = options => (options.Limits.MaxBodyLength, options.Limits.MaxConcurrentCallsPerConnection) = (Longest, 24),
        App = app => app.MapRpcClientStream<HelloRequest, HelloReply>(
            Name, async (requests, context) => new HelloReply { Msg = $"{await handler(requests, context)}" }),
    });

    private static Task SendAsync(Version2Peer peer, uint id, byte[] body, RpcEncoding encoding, bool isCut)
    {
        if (!isCut)
        {
            return peer.SendAsync(Version2Frames.Request(id, new RpcCallHeader { Flags = RpcCallBits.End | RpcCallBits.Compressed, Encoding = encoding }, body, Name));
        }

        RpcCallHeader first = new() { Flags = RpcCallBits.More | RpcCallBits.Compressed, Encoding = encoding, MessageLength = body.Length };
        return peer.SendAsync(Version2Frames.Request(id, first, body[..1], Name), Version2Frames.Data(id, RpcCallBits.End, body[1..]));
    }

    private static async Task<Version2Reply> ReceiveResponseAsync(Version2Peer peer)
    {
        Version2Reply reply;
        while ((reply = await peer.ReceiveAsync()).Type == RpcFrameType.Credit)
        {
            // For what was read.
        }

        Assert.Equal(RpcFrameType.Response, reply.Type);
        return reply;
    }

    private static byte[] Compress(RpcEncoding encoding, int length)
    {
        ArrayBufferWriter<byte> output = new();
        RpcCompression.Compress(encoding, new ReadOnlySequence<byte>(new HelloRequest { Msg = new string('a', length) }.ToByteArray()), output);
        return output.WrittenSpan.ToArray();
    }
}
