using System.IO.Pipelines;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests;

/// <summary>Peers that lie, and connections that are lost: every call under way fails clearly, and so does every later one.</summary>
public class RpcConnectionFailureTests
{
    public static IEnumerable<TheoryDataRow<byte[]>> NotAReply => new byte[][]
    {
        new byte[] { 0x48 }, // H of an HTTP reply
        new byte[] { 0x12, 0x34, 0x02, 0x02, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0 }, // version 2
        new byte[] { 0x12, 0x34, 0x01, 0x09, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0 }, // type 9
        new byte[] { 0x12, 0x34, 0x01, 0x02, 0, 0, 0, 1, 0x00, 0x01, 0x00, 0x01, 0, 0, 0, 0 }, // protocol data of 64 KiB + 1
        new byte[] { 0x12, 0x34, 0x01, 0x02, 0, 0, 0, 1, 0, 0, 0, 0, 0x00, 0x40, 0x00, 0x01 }, // a body of 4 MiB + 1
        new byte[] { 0x12, 0x34, 0x01, 0x02, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, // lengths that overflow
    }.Select(bytes => new TheoryDataRow<byte[]>(bytes));

    [Theory]
    [MemberData(nameof(NotAReply))]
    public async Task Calls_PeerSendsNoReply_AllFailWithDecoding(byte[] bytes)
    {
        await using PipeServer server = new();
        Task<StringValue>[] calls = [server.HelloAsync("a"), server.HelloAsync("b")];
        await server.ReceiveAsync();
        await server.SendAsync(bytes);
        await AssertAllFail(server, calls, RpcErrorCode.Decoding);
    }

    [Fact]
    public async Task Calls_GarbageBehindAGoodReply_TheGoodOneCounts()
    {
        await using PipeServer server = new();
        Task<StringValue> first = server.HelloAsync("a");
        Task<StringValue> second = server.HelloAsync("b");
        await server.SendAsync([.. Wire.Reply((await server.ReceiveAsync()).SequenceId, "good"), 0x00]);
        Assert.Equal("good", (await first.Within()).Value);
        await AssertAllFail(server, [second], RpcErrorCode.Decoding);
    }

    [Fact]
    public async Task Calls_PeerCloses_AllFailWithConnection()
    {
        await using PipeServer server = new();
        Task<StringValue>[] calls = [server.HelloAsync("a"), server.HelloAsync("b")];
        await server.ReceiveAsync();
        await server.Replies.CompleteAsync();
        await AssertAllFail(server, calls, RpcErrorCode.Connection);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(60)]
    public async Task Calls_PeerClosesInTheMiddleOfAReply_AllFailWithNetwork(int bytes)
    {
        await using PipeServer server = new();
        Task<StringValue>[] calls = [server.HelloAsync("a"), server.HelloAsync("b")];
        await server.SendAsync(Wire.Reply((await server.ReceiveAsync()).SequenceId, "cut off")[..bytes]);
        await server.Replies.CompleteAsync();
        await AssertAllFail(server, calls, RpcErrorCode.Network);
    }

    [Fact]
    public async Task Calls_ReceivingThrows_AllFailWithNetworkAndTheCause()
    {
        await using PipeServer server = new();
        Task<StringValue> call = server.HelloAsync("a");
        IOException cause = new("cable cut");
        await server.Replies.CompleteAsync(cause);
        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.Within());
        Assert.Equal(RpcErrorCode.Network, failed.Code);
        Assert.Same(cause, failed.InnerException);
    }

    [Fact]
    public async Task Calls_PeerTakesNoMoreRequests_FailWithConnection()
    {
        await using PipeServer server = new();
        await server.Requests.CompleteAsync();
        await AssertAllFail(server, [server.HelloAsync("a")], RpcErrorCode.Connection);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Calls_SendingThrows_FailWithNetwork(bool inFlush)
    {
        await using PipeServer server = new(wrap: inner => new FailingWriter(inner, inFlush));
        await AssertAllFail(server, [server.HelloAsync("a")], RpcErrorCode.Network);
    }

    [Fact]
    public async Task Calls_PeerClosesAndTheLogThrows_AllFailAllTheSame()
    {
        FailingLoggers loggers = new();
        await using PipeServer server = new(new RpcConnectionOptions { LoggerFactory = loggers });
        Task<StringValue>[] calls = [server.HelloAsync("a"), server.HelloAsync("b")];
        await server.ReceiveAsync();
        loggers.Fails = true;
        await server.Replies.CompleteAsync();
        await AssertAllFail(server, calls, RpcErrorCode.Connection);
        loggers.Fails = false;
    }

    private static async Task AssertAllFail(PipeServer server, Task<StringValue>[] calls, RpcErrorCode code)
    {
        foreach (Task<StringValue> call in calls)
        {
            RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.Within());
            Assert.Equal(code, failed.Code);
            Assert.StartsWith("helloworld/Hello got no reply: ", failed.Message, StringComparison.Ordinal);
        }

        await server.Client.Closed.Within();
        Assert.Equal(0, server.Client.PendingCalls);
        RpcException late = await Assert.ThrowsAsync<RpcException>(() => server.HelloAsync("late").Within());
        Assert.Equal(code, late.Code);
        Assert.StartsWith("helloworld/Hello was not sent: ", late.Message, StringComparison.Ordinal);
    }

    private sealed class FailingWriter(PipeWriter inner, bool inFlush) : PipeWriter
    {
        public override void Advance(int bytes) => inner.Advance(bytes);

        public override Memory<byte> GetMemory(int sizeHint = 0) => inFlush ? inner.GetMemory(sizeHint) : throw new IOException("no memory");

        public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => throw new IOException("cable cut");

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);
    }
}
