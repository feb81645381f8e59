using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The examples of streams, compression and attachments in docs/rpc-server.md do what the page says.</summary>
public sealed class RpcStreamDocumentTests
{
    [Fact]
    public async Task Streams_OfAllShapes_DoWhatThePageSays()
    {
        await using TestServer server = await StartAsync();
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        using (RpcServerStreamingCall<DoubleValue> watch = client.StartServerStream(
            RpcMethod.Create<StringValue, DoubleValue>(RpcMethodShape.ServerStreaming, "stock", "Watch"), new StringValue { Value = "pears" }))
        {
            for (int i = 0; i < 10; i++)
            {
                Assert.True(await watch.Replies.MoveNextAsync().InTime());
                Assert.Equal(5 + i, watch.Replies.Current.Value);
            }
        }

        using RpcClientStreamingCall<DoubleValue, DoubleValue> sum = client.StartClientStream(
            RpcMethod.Create<DoubleValue, DoubleValue>(RpcMethodShape.ClientStreaming, "stock", "Sum"));
        await sum.Requests.WriteAsync(new DoubleValue { Value = 1.5 }).InTime();
        await sum.Requests.WriteAsync(new DoubleValue { Value = 2 }).InTime();
        await sum.Requests.CompleteAsync().InTime();
        Assert.Equal(3.5, (await sum.ReplyAsync.InTime()).Value);

        using RpcDuplexStreamingCall<StringValue, DoubleValue> ask = client.StartDuplexStream(
            RpcMethod.Create<StringValue, DoubleValue>(RpcMethodShape.DuplexStreaming, "stock", "Ask"));
        await ask.Requests.WriteAsync(new StringValue { Value = "figs" }).InTime();
        Assert.True(await ask.Replies.MoveNextAsync().InTime());
        Assert.Equal(4, ask.Replies.Current.Value);

        using RpcServerStreamingCall<StringValue> count = client.StartServerStream(
            RpcMethod.Create<Int32Value, StringValue>(RpcMethodShape.ServerStreaming, "numbers", "Count"), new Int32Value { Value = 2 });
        Assert.True(await count.Replies.MoveNextAsync().InTime());
        Assert.True(await count.Replies.MoveNextAsync().InTime());
        Assert.Equal("2", count.Replies.Current.Value);
        Assert.False(await count.Replies.MoveNextAsync().InTime());
    }

    [Fact]
    public async Task CompressionAndAttachments_DoWhatThePageSays()
    {
        await using TestServer server = await StartAsync();
        await using RpcConnection client = await RpcConnection.ConnectAsync(
            server.EndPoint, new RpcConnectionOptions { AcceptedEncodings = RpcEncodings.All }).InTime();

        StringValue text = new() { Value = new string('a', 10_000) };
        RpcMethod<StringValue, StringValue> upper = RpcMethod.Unary<StringValue, StringValue>("text", "Upper");
        Assert.Equal(text.Value.ToUpperInvariant(), (await client.CallAsync(upper, text).InTime()).Value);

        RpcMethod<StringValue, StringValue> reverse = RpcMethod.Unary<StringValue, StringValue>("files", "Reverse");
        using RpcUnaryCall<StringValue> call = client.StartCall(
            reverse, new StringValue { Value = "a.txt" }, new RpcCallOptions { Attachment = new byte[] { 1, 2, 3 } });
        Assert.Equal("a.txt, reversed", (await call.ReplyAsync.InTime()).Value);
        Assert.Equal([3, 2, 1], call.Attachment.ToArray());
    }

    private static Task<TestServer> StartAsync() => TestServer.StartAsync(new TestServerSetup
    {
        Services = services => services.AddSingleton<RpcStreamExamples.Prices>(),
        App = RpcStreamExamples.Map,
    });
}
