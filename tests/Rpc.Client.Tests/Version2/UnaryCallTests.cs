using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests.Version2;

/// <summary>One request, one reply: what is on the wire and what the caller gets.</summary>
public class UnaryCallTests
{
    [Fact]
    public async Task Calls_OfOneMethod_AreTheGoldenBytes()
    {
        await using ScriptedServer server = new();
        Task<StringValue> first = server.HelloAsync("world");
        await TimeLimits.Until(() => server.Client.QueuedCalls == 0);
        Task<StringValue> second = server.HelloAsync("world");
        byte[] expected =
        [
            0x12, 0x34, 2, 1, 0, 0, 0, 1, 0, 0, 0, 0x13, 0, 0, 0, 7, // REQUEST 1
            0x01, 0x03, 0x10, .. "helloworld/Hello"u8, // END; index 1, defined here; length = 16
            0x0a, 0x05, .. "world"u8,
            0x12, 0x34, 2, 1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 7, // REQUEST 2
            0x01, 0x02, // END; index 1
            0x0a, 0x05, .. "world"u8,
        ];
        System.IO.Pipelines.ReadResult sent = await server.Requests.ReadAtLeastAsync(expected.Length).Within();
        Assert.Equal(expected, System.Buffers.BuffersExtensions.ToArray(sent.Buffer));
        server.Requests.AdvanceTo(sent.Buffer.End);

        await server.SendAsync(ServerFrame.Response(2, "re 2"), ServerFrame.Response(1, "re 1"));
        Assert.Equal("re 1", (await first.Within()).Value);
        Assert.Equal("re 2", (await second.Within()).Value);
    }

    [Fact]
    public async Task Call_ReplySplitAtEveryByte_IsRead()
    {
        await using ScriptedServer server = new();
        for (int offset = 0; offset <= RpcFrameHeader.Size + 40; offset++)
        {
            Task<StringValue> call = server.HelloAsync("a");
            byte[] reply = ServerFrame.Response(
                (await server.ReceiveAsync()).CallId,
                new RpcCallHeader { Metadata = new RpcMetadata { { "region", "east" } }, Trailers = new RpcMetadata { { "cost", "5" } } },
                ServerFrame.Text("split"));
            await server.SendAsync(reply[..Math.Min(offset, reply.Length)], reply[Math.Min(offset, reply.Length)..]);
            Assert.Equal("split", (await call.Within()).Value);
        }
    }

    [Fact]
    public async Task Call_ReplyInPieces_IsPutTogetherAtEverySplit()
    {
        await using ScriptedServer server = new();
        byte[] message = ServerFrame.Text("a message in three pieces");
        for (int first = 1; first < message.Length - 1; first++)
        {
            Task<StringValue> call = server.HelloAsync("a");
            uint id = (await server.ReceiveAsync(RpcFrameType.Request)).CallId;
            await server.SendAsync(
                ServerFrame.First(id, message[..first], message.Length),
                ServerFrame.More(id, message[first..(first + 1)]),
                ServerFrame.Raw(RpcFrameType.Response, id, [], message[(first + 1)..]));
            if (first + 1 < message.Length)
            {
                Assert.Equal("a message in three pieces", (await call.Within()).Value);
            }
        }
    }

    [Fact]
    public async Task Call_ReplyInDataAndThenTheEnd_IsTheReply()
    {
        await using ScriptedServer server = new();
        Task<StringValue> call = server.HelloAsync("a");
        uint id = (await server.ReceiveAsync()).CallId;
        await server.SendAsync(ServerFrame.Data(id, "data"), ServerFrame.End(id));
        Assert.Equal("data", (await call.Within()).Value);
    }

    [Fact]
    public async Task Call_NoReplyOrTwo_FailsWithInternal()
    {
        await using ScriptedServer server = new();
        Task<StringValue> none = server.HelloAsync("a");
        Task<StringValue> two = server.HelloAsync("b");
        uint noneId = (await server.ReceiveAsync()).CallId;
        uint twoId = (await server.ReceiveAsync()).CallId;
        await server.SendAsync(ServerFrame.End(noneId), ServerFrame.Data(twoId, "1"), ServerFrame.Response(twoId, "2"));
        Assert.Equal(RpcStatusCode.Internal, (await Assert.ThrowsAsync<RpcException>(() => none.Within())).StatusCode);
        Assert.Equal(RpcStatusCode.Internal, (await Assert.ThrowsAsync<RpcException>(() => two.Within())).StatusCode);
    }

    [Fact]
    public async Task Call_Fails_ThrowsStatusDetailsAndTrailers()
    {
        await using ScriptedServer server = new();
        foreach (RpcStatusCode code in System.Enum.GetValues<RpcStatusCode>().Except([RpcStatusCode.Ok]))
        {
            Task<StringValue> call = server.HelloAsync("a");
            await server.SendAsync(ServerFrame.Response((await server.ReceiveAsync()).CallId, new RpcCallHeader
            {
                Flags = RpcCallBits.NoMessage,
                Status = new RpcStatus(code, "why", new byte[] { 1, 2 }),
                Trailers = new RpcMetadata { { "retry-after", "5" } },
            }));
            RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.Within());
            Assert.Equal(new RpcStatus(code, "why", new byte[] { 1, 2 }), failed.Status);
            Assert.Equal("5", failed.Trailers.GetValue("retry-after"));
            Assert.False(failed.IsNotProcessed);
        }
    }

    [Fact]
    public async Task Call_NotProcessed_SaysThatItMayBeSentAgain()
    {
        await using ScriptedServer server = new();
        Task<StringValue> call = server.HelloAsync("a");
        await server.SendAsync(ServerFrame.Failure((await server.ReceiveAsync()).CallId, RpcStatusCode.ResourceExhausted, "full", RpcCallBits.NotProcessed));
        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.Within());
        Assert.True(failed.IsNotProcessed);
        Assert.Equal(RpcStatusCode.ResourceExhausted, failed.StatusCode);
    }

    [Fact]
    public async Task Call_MetadataTimeoutAndAttachment_AreInTheRequest()
    {
        await using ScriptedServer server = new();
        RpcCallOptions options = new()
        {
            Metadata = new RpcMetadata { { "trace-id", "abc12" }, { "key-bin", new byte[] { 0xff } } },
            Timeout = TimeSpan.FromMinutes(1),
            Attachment = new byte[] { 0xca, 0xfe },
        };
        Task<StringValue> call = server.HelloAsync("world", options);
        ClientFrame request = await server.ReceiveAsync();
        Assert.Equal(RpcCallBits.End, request.Flags);
        Assert.Equal("helloworld/Hello", request.MethodName);
        Assert.Equal("abc12", request.Metadata.GetValue("trace-id"));
        Assert.Equal(new byte[] { 0xff }, request.Metadata.GetValueBytes("key-bin")!.Value.ToArray());
        Assert.InRange(request.Timeout!.Value, TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1));
        Assert.Equal(2, request.AttachmentLength);
        Assert.Equal([.. ServerFrame.Text("world"), 0xca, 0xfe], request.Body);
        await server.SendAsync(ServerFrame.Response(request.CallId, "ok"));
        Assert.Equal("ok", (await call.Within()).Value);
    }

    [Fact]
    public async Task Calls_FromManyThreadsOfManyMethods_DefineEachMethodOnceInTheOrderOfTheFrames()
    {
        const int Methods = 300; // more than the table takes
        await using ScriptedServer server = new();
        RpcMethod<StringValue, StringValue>[] methods =
            [.. Enumerable.Range(0, Methods).Select(i => RpcMethod.Unary<StringValue, StringValue>("many", $"M{i}"))];
        Task calling = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            foreach (RpcMethod<StringValue, StringValue> method in methods)
            {
                Assert.Equal(method.Name.ToString(), (await server.Client.CallAsync(method, new StringValue { Value = "x" })).Value);
            }
        })));
        string?[] defined = new string?[RpcSettings.DefaultMethodTableSize + 1];
        int definitions = 0;
        for (int i = 0; i < Methods * 4; i++)
        {
            ClientFrame request = await server.ReceiveAsync();
            string name = request.MethodName;
            if (name.Length == 0)
            {
                name = defined[request.MethodIndex]!;
                Assert.NotNull(name);
            }
            else if (request.MethodIndex != 0)
            {
                Assert.Equal(++definitions, request.MethodIndex);
                defined[request.MethodIndex] = name;
            }

            await server.SendAsync(ServerFrame.Response(request.CallId, name));
        }

        await calling.Within();
        Assert.Equal(RpcSettings.DefaultMethodTableSize, definitions);
    }

    [Fact]
    public async Task Call_NameWithASlash_FailsAndNothingIsSent()
    {
        await using ScriptedServer server = new();
        RpcMethod<StringValue, StringValue> method = RpcMethod.Unary<StringValue, StringValue>("a/b", "M");
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => server.Client.CallAsync(method, new StringValue()).Within());
        Assert.Equal(RpcStatusCode.InvalidArgument, refused.StatusCode);
        server.AssertNothingSent();
    }

    [Fact]
    public async Task Call_CodecThrows_FailsWithSerializationAndTheConnectionGoesOn()
    {
        await using ScriptedServer server = new();
        RpcMethod<string, StringValue> method = new(
            RpcMethodShape.Unary, new RpcMethodName("a", "B"), new ThrowingCodec(), RpcCodec.Protobuf<StringValue>());
        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => server.Client.CallAsync(method, "x").Within());
        Assert.Equal(RpcErrorCode.Serialization, failed.Code);
        Assert.IsType<FormatException>(failed.InnerException);

        Task<StringValue> call = server.HelloAsync("next");
        await server.SendAsync(ServerFrame.Response((await server.ReceiveAsync()).CallId, "ok"));
        Assert.Equal("ok", (await call.Within()).Value);
    }

    private sealed class ThrowingCodec : IRpcCodec<string>
    {
        public int GetSize(string message) => 5;

        public void Serialize(string message, Span<byte> destination) => throw new FormatException("no");

        public string Deserialize(in System.Buffers.ReadOnlySequence<byte> source) => throw new FormatException("no");
    }
}
