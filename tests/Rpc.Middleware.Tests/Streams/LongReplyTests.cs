using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A reply of a stream takes long to be serialised and compressed; the connection's other replies go on.</summary>
public sealed class LongReplyTests
{
    [Theory]
    [InlineData(RpcEncoding.None)]
    [InlineData(RpcEncoding.Gzip)]
    public async Task OtherCall_WhileALongReplyIsMade_IsAnswered(RpcEncoding encoding)
    {
        using SemaphoreSlim begun = new(0);
        using SemaphoreSlim goOn = new(0);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app =>
            {
                app.MapRpc("test/Long", async (Int32Value request, IRpcStreamWriter<SlowReply> replies) =>
                {
                    await replies.WriteAsync(new SlowReply(10, () => { }));
                    await replies.WriteAsync(new SlowReply(200_000, () =>
                    {
                        begun.Release();
                        Assert.True(goOn.Wait(TimeLimits.Limit, CancellationToken.None));
                    }));
                }).WithRpcCompression(encoding);
                app.MapRpc(Golden.Name, (HelloRequest request) => new HelloReply { Msg = "x" });
            },
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Request(
            1, new RpcCallHeader { Flags = RpcCallBits.End, AcceptedEncodings = RpcEncodings.All }, [], "test/Long", 0));
        Assert.True(await begun.WaitAsync(TimeLimits.Limit));

        await peer.SendAsync(Version2Frames.Hello(3));
        while ((await peer.ReceiveAsync()).Id != 3)
        {
        }

        goOn.Release();
        Version2Reply last;
        while ((last = await peer.ReceiveAsync()).Type != RpcFrameType.Response)
        {
        }

        Assert.True(last.Status.Code == RpcStatusCode.Ok, string.Join("; ", server.Logs.Ours));
    }

    private sealed class SlowReply(int length, Action onWrite) : IMessage<SlowReply>, IBufferMessage
    {
        private readonly BytesValue _inner = StreamServer.Bytes(length);

        public MessageDescriptor Descriptor => BytesValue.Descriptor;

        public int CalculateSize() => _inner.CalculateSize();

        public void WriteTo(CodedOutputStream output) => throw new NotSupportedException();

        public void InternalWriteTo(ref WriteContext output)
        {
            onWrite();
            ((IBufferMessage)_inner).InternalWriteTo(ref output);
        }

        public void InternalMergeFrom(ref ParseContext input) => throw new NotSupportedException();

        public void MergeFrom(SlowReply message) => throw new NotSupportedException();

        public void MergeFrom(CodedInputStream input) => throw new NotSupportedException();

        public SlowReply Clone() => throw new NotSupportedException();

        public bool Equals(SlowReply? other) => ReferenceEquals(this, other);

        public override bool Equals(object? obj) => ReferenceEquals(this, obj);

        public override int GetHashCode() => 0;
    }
}
