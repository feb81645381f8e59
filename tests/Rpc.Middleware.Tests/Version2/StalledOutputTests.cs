using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A peer that reads nothing for a while.</summary>
public sealed class StalledOutputTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(60_000)]
    public async Task Capacity_OutputStallsForAWhileDuringACutRequest_RequestStillEnds(int capacity)
    {
        TaskCompletionSource<WatchedOutput> connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Limits.MaxConcurrentCallsPerConnection = capacity;
                options.Floods.MaxPings = int.MaxValue;
            },
            Listen = options =>
            {
                options.Use(next => connection =>
                {
                    WatchedOutput output = new(connection.Transport);
                    connection.Transport = output;
                    connected.SetResult(output);
                    return next(connection);
                });
                options.UseRpc();
            },
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) => new HelloReply { Msg = $"{request.Msg.Length}" }),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Ping(99));
        Assert.Equal(RpcFrameType.Pong, (await peer.ReceiveAsync()).Type);
        List<byte[]> frames = Version2Frames.Cut(1, new HelloRequest { Msg = new string('x', 30_000) }.ToByteArray(), 16_000);
        await peer.SendAsync(frames[0]);

        // More answers than buffers take, unread; then a peer that reads all.
        byte[] pings = [.. Enumerable.Range(0, 20_000).SelectMany(i => Version2Frames.Ping((ulong)i))];
        Task sending = Task.Run(async () =>
        {
            for (int round = 0; round < 40; round++)
            {
                await peer.Raw.SendAsync(pings);
            }

            await peer.SendAsync(frames[1]);
        });

        // Until the server waits for its answers to be read: meanwhile it reads nothing more.
        await (await connected.Task.InTime()).Waiting.Task.InTime();
        Version2Reply reply;
        do
        {
            reply = await peer.ReceiveAsync();
        }
        while (reply.Type == RpcFrameType.Pong);
        await sending;
        Assert.Equal("30000", reply.Text);
    }
}
