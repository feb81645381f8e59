using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>DATA that comes while the RESPONSE of its call is being written.</summary>
public sealed class LostGrantTests
{
    [Fact]
    public async Task Data_WhileTheResponseIsWritten_GivesTheConnectionItsCreditBack()
    {
        using ManualResetEventSlim release = new();
        using SemaphoreSlim writing = new(0);
        using SemaphoreSlim probed = new(0);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app =>
            {
                app.MapRpc("test/Early", (IRpcStreamReader<BytesValue> requests) => Task.FromResult(new SlowReply(() =>
                {
                    writing.Release();
                    release.Wait(TimeLimits.Limit);
                })));
                app.MapRpc(Golden.Name, (HelloRequest request) =>
                {
                    probed.Release();
                    return new HelloReply();
                }).WithScheduling(RpcScheduling.Inline);
            },
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        byte[] body = StreamServer.Bytes(60_000).ToByteArray();

        // Data of a call that is over: just under half of the connection's credit, so nothing is granted yet.
        int sent = 0;
        int cost = body.Length + 16;
        while (sent + cost < 2 * 1024 * 1024)
        {
            await peer.SendAsync(Version2Frames.Data(99, RpcCallBits.None, body));
            sent += cost;
        }

        await peer.SendAsync(Version2Frames.Request(1, new RpcCallHeader { Flags = RpcCallBits.NoMessage }, [], "test/Early"));
        Assert.True(await writing.WaitAsync(TimeLimits.Limit));
        await peer.SendAsync(Version2Frames.Data(1, RpcCallBits.None, body), Version2Frames.Hello(3, index: 1));
        sent += cost;
        Assert.True(await probed.WaitAsync(TimeLimits.Limit));
        release.Set();

        // All that the server lets a peer send that has got no CREDIT.
        while (sent + cost < 4 * 1024 * 1024)
        {
            await peer.SendAsync(Version2Frames.Data(99, RpcCallBits.None, body));
            sent += cost;
        }

        await peer.SendAsync(Version2Frames.Ping(7));
        List<string> seen = [];
        while (true)
        {
            Version2Reply reply = await peer.ReceiveAsync().InTime();
            seen.Add($"{reply.Type} {reply.Id} {reply.Credit}");
            if (reply.Type == RpcFrameType.Credit)
            {
                return;
            }

            if (reply.Type == RpcFrameType.Pong)
            {
                Assert.Fail($"{sent} of 4194304 bytes were sent and dropped, none granted anew: {string.Join(", ", seen)}");
            }
        }
    }

    private sealed class SlowReply(Action onSize) : IMessage<SlowReply>
    {
        public MessageDescriptor Descriptor => BytesValue.Descriptor;

        public int CalculateSize()
        {
            onSize();
            return 0;
        }

        public void WriteTo(CodedOutputStream output)
        {
        }

        public void MergeFrom(SlowReply message) => throw new NotSupportedException();

        public void MergeFrom(CodedInputStream input) => throw new NotSupportedException();

        public SlowReply Clone() => throw new NotSupportedException();

        public bool Equals(SlowReply? other) => ReferenceEquals(this, other);

        public override bool Equals(object? obj) => ReferenceEquals(this, obj);

        public override int GetHashCode() => 0;
    }
}
