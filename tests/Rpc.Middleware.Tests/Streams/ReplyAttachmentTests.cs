using System.Buffers;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

public sealed class ReplyAttachmentTests
{
    // "Whatever a handler throws fails its call only": its attachment may be gone when it is written.
    [Fact]
    public async Task ReplyAttachment_ThatCannotBeRead_FailsItsCallOnly()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, (HelloRequest request, RpcContext context) =>
            {
                if (request.Msg == "bad")
                {
                    using IMemoryOwner<byte> owned = new Owned();
                    context.ReplyAttachment = new ReadOnlySequence<byte>(owned.Memory);
                }

                return new HelloReply { Msg = request.Msg };
            }),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "good"));
        await peer.ReceiveResponseAsync(1);
        await peer.SendAsync(Version2Frames.Hello(3, "bad"));
        Version2Reply? reply = await peer.TryReceiveAsync();
        Assert.Equal(RpcStatusCode.Internal, reply!.Status.Code);
    }

    private sealed class Owned : MemoryManager<byte>
    {
        private byte[]? _bytes = new byte[100];

        public override Span<byte> GetSpan() => _bytes ?? throw new ObjectDisposedException(nameof(Owned));

        public override Memory<byte> Memory => CreateMemory(100);

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin() => throw new NotSupportedException();

        protected override void Dispose(bool disposing) => _bytes = null;
    }
}
