using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests;

/// <summary>What a connection makes of the bytes a server sends, good ones first.</summary>
public class RpcConnectionReplyTests
{
    [Fact]
    public async Task Call_Hello_SendsTheGoldenRequestAndReadsTheGoldenReply()
    {
        await using PipeServer server = new();
        Task<StringValue> call = server.HelloAsync("world");

        byte[] request =
        [
            0x12, 0x34, // magic
            0x01, // version
            0x01, // request
            0x00, 0x00, 0x00, 0x01, // sequence id = 1
            0x00, 0x00, 0x00, 0x33, // protocol-data length = 51
            0x00, 0x00, 0x00, 0x07, // body length = 7
            .. "{\"service_name\":\"helloworld\",\"method_name\":\"Hello\"}"u8,
            0x0a, 0x05, 0x77, 0x6f, 0x72, 0x6c, 0x64, // field 1, length = 5, world
        ];
        System.IO.Pipelines.ReadResult sent = await server.Requests.ReadAtLeastAsync(request.Length).Within();
        Assert.Equal(request, System.Buffers.BuffersExtensions.ToArray(sent.Buffer));
        server.Requests.AdvanceTo(sent.Buffer.End);

        await server.SendAsync(
        [
            0x12, 0x34, // magic
            0x01, // version
            0x02, // response
            0x00, 0x00, 0x00, 0x01, // sequence id = 1
            0x00, 0x00, 0x00, 0x33, // protocol-data length = 51
            0x00, 0x00, 0x00, 0x0d, // body length = 13
            .. "{\"service_name\":\"helloworld\",\"method_name\":\"Hello\"}"u8,
            0x0a, 0x0b, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x20, 0x77, 0x6f, 0x72, 0x6c, 0x64, // field 1, length = 11, Hello world
        ]);
        Assert.Equal("Hello world", (await call.Within()).Value);
        Assert.Equal(0, server.Client.PendingCalls);
    }

    [Fact]
    public async Task Call_ReplyOfTypeOne_IsAccepted()
    {
        await using PipeServer server = new();
        Task<StringValue> call = server.HelloAsync("a");
        await server.SendAsync(Wire.Reply((await server.ReceiveAsync()).SequenceId, "b", type: 1));
        Assert.Equal("b", (await call.Within()).Value);
    }

    [Fact]
    public async Task Call_ReplySplitAtEveryOffset_IsRead()
    {
        await using PipeServer server = new();
        int length = Wire.Reply(1, "split").Length;
        for (int offset = 1; offset < length; offset++)
        {
            Task<StringValue> call = server.HelloAsync("a");
            byte[] reply = Wire.Reply((await server.ReceiveAsync()).SequenceId, "split");
            await server.SendAsync(reply[..offset], reply[offset..]);
            Assert.Equal("split", (await call.Within()).Value);
        }
    }

    [Fact]
    public async Task Call_ReplyByteByByte_IsRead()
    {
        await using PipeServer server = new();
        Task<StringValue> call = server.HelloAsync("a");
        byte[] reply = Wire.Reply((await server.ReceiveAsync()).SequenceId, "bytes");
        await server.SendAsync([.. reply.Select(b => new[] { b })]);
        Assert.Equal("bytes", (await call.Within()).Value);
    }

    [Fact]
    public async Task Calls_StickyRepliesInReverseOrder_ReachTheirCallers()
    {
        await using PipeServer server = new();
        List<Task<StringValue>> calls = [.. Enumerable.Range(0, 100).Select(i => server.HelloAsync($"{i}"))];
        List<byte[]> replies = [];
        foreach (Task<StringValue> _ in calls)
        {
            (uint id, string text) = await server.ReceiveAsync();
            replies.Insert(0, Wire.Reply(id, $"re {text}"));
        }

        await server.SendAsync([.. replies.SelectMany(reply => reply)]);
        for (int i = 0; i < calls.Count; i++)
        {
            Assert.Equal($"re {i}", (await calls[i].Within()).Value);
        }
    }

    [Fact]
    public async Task Call_UnmatchedAndDuplicatedReplies_AreDropped()
    {
        await using PipeServer server = new();
        Task<StringValue> first = server.HelloAsync("a");
        uint id = (await server.ReceiveAsync()).SequenceId;
        await server.SendAsync(Wire.Reply(0, "zero"), Wire.Reply(id + 1, "stranger"), Wire.Reply(uint.MaxValue, "stranger"));
        await server.SendAsync(Wire.Reply(id, "first"), Wire.Reply(id, "again"));
        Assert.Equal("first", (await first.Within()).Value);

        Task<StringValue> second = server.HelloAsync("b");
        await server.SendAsync(Wire.Reply((await server.ReceiveAsync()).SequenceId, "second"));
        Assert.Equal("second", (await second.Within()).Value);
    }

    [Fact]
    public async Task Call_ErrorReply_ThrowsCodeAndMessage()
    {
        await using PipeServer server = new();
        foreach (RpcErrorCode code in System.Enum.GetValues<RpcErrorCode>())
        {
            Task<StringValue> call = server.HelloAsync("a");
            await server.SendAsync(Wire.Error((await server.ReceiveAsync()).SequenceId, code, "No such method."));
            RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.Within());
            Assert.Equal(code, failed.Code);
            Assert.Equal("No such method.", failed.Message);
        }
    }

    [Theory]
    [InlineData("""{"error_code":"NEW_CODE","error_message":"m"}""", RpcErrorCode.Server, "NEW_CODE: m")]
    [InlineData("""{"error_code":"TIMEOUT"}""", RpcErrorCode.Timeout, "helloworld/Hello failed without a message.")]
    [InlineData("""{"service_name":1}""", RpcErrorCode.Decoding, "The protocol data of the reply to helloworld/Hello is bad: WrongType.")]
    [InlineData("", RpcErrorCode.Decoding, "The protocol data of the reply to helloworld/Hello is bad: Malformed.")]
    [InlineData("{", RpcErrorCode.Decoding, "The protocol data of the reply to helloworld/Hello is bad: Malformed.")]
    public async Task Call_OtherProtocolData_FailsThatCallAlone(string protocolData, RpcErrorCode code, string message)
    {
        await using PipeServer server = new();
        Task<StringValue> bad = server.HelloAsync("a");
        Task<StringValue> good = server.HelloAsync("b");
        uint badId = (await server.ReceiveAsync()).SequenceId;
        uint goodId = (await server.ReceiveAsync()).SequenceId;
        await server.SendAsync(Wire.Frame(badId, System.Text.Encoding.UTF8.GetBytes(protocolData), [0x07]), Wire.Reply(goodId, "good"));
        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => bad.Within());
        Assert.Equal((code, message), (failed.Code, failed.Message));
        Assert.Equal("good", (await good.Within()).Value);
    }

    [Fact]
    public async Task Call_ReplyThatNamesAnotherWay_IsStillGood()
    {
        await using PipeServer server = new();
        Task<StringValue> call = server.HelloAsync("a");
        await server.SendAsync(Wire.Frame((await server.ReceiveAsync()).SequenceId, "{ }"u8.ToArray(), [0x0a, 0x01, 0x78]));
        Assert.Equal("x", (await call.Within()).Value);
    }

    [Fact]
    public async Task Call_BodyThatIsNotTheReply_FailsThatCallAlone()
    {
        await using PipeServer server = new();
        Task<StringValue> bad = server.HelloAsync("a");
        Task<StringValue> good = server.HelloAsync("b");
        uint badId = (await server.ReceiveAsync()).SequenceId;
        uint goodId = (await server.ReceiveAsync()).SequenceId;
        await server.SendAsync(Wire.Frame(badId, Wire.Hello.ProtocolData.ToArray(), [0x0a, 0x7f]), Wire.Reply(goodId, "good"));
        Assert.Equal(RpcErrorCode.Deserialization, (await Assert.ThrowsAsync<RpcException>(() => bad.Within())).Code);
        Assert.Equal("good", (await good.Within()).Value);
    }
}
