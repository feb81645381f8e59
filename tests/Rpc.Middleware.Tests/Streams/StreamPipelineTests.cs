using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Middleware, filters, services and names around methods with streams; calls of another shape than the method.</summary>
public sealed class StreamPipelineTests
{
    [Theory]
    [InlineData(RpcScheduling.Inline)]
    [InlineData(RpcScheduling.ThreadPool)]
    public async Task MiddlewareAndFilters_AroundStreams_RunOnceAndSeeTheShape(RpcScheduling scheduling)
    {
        List<string> order = [];
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddScoped<Tally>(),
            App = app =>
            {
                app.UseRpc(rpc => rpc.Use(async (call, next) =>
                {
                    order.Add($"in {call.Shape}");
                    await next(call);
                    order.Add("out");
                }));
                app.MapRpc("test/Echo", async (IAsyncEnumerable<BytesValue> requests, Tally tally, IRpcStreamWriter<BytesValue> replies) =>
                {
                    await foreach (BytesValue request in requests)
                    {
                        tally.Count++;
                        await replies.WriteAsync(request);
                    }

                    order.Add($"{tally.Count} requests");
                })
                    .WithScheduling(scheduling)
                    .AddRpcFilter(async (call, next) =>
                    {
                        order.Add("filter in");
                        Assert.Throws<InvalidOperationException>(() => call.Request);
                        await next(call);
                        Assert.Null(call.Reply);
                        order.Add("filter out");
                    });
            },
        });
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using RpcDuplexStreamingCall<BytesValue, BytesValue> call = connection.StartDuplexStream(StreamServer.Echo);
        for (int i = 0; i < 3; i++)
        {
            await call.Requests.WriteAsync(StreamServer.Bytes(i)).InTime();
            Assert.True(await call.Replies.MoveNextAsync().InTime());
        }

        await call.Requests.CompleteAsync().InTime();
        Assert.False(await call.Replies.MoveNextAsync().InTime());
        Assert.Equal(["in DuplexStreaming", "filter in", "3 requests", "filter out", "out"], order);
    }

    [Fact]
    public async Task Middleware_AnswersItself_ItsReplyIsTheOnlyMessage()
    {
        await using TestServer server = await StreamServer.StartAsync("enumerable", more: app => app.UseRpc(rpc => rpc.Use((call, _) =>
        {
            call.Reply = StreamServer.Bytes(9);
            return default;
        })));
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using RpcDuplexStreamingCall<BytesValue, BytesValue> call = connection.StartDuplexStream(StreamServer.Echo);
        Assert.True(await call.Replies.MoveNextAsync().InTime());
        Assert.Equal(9, call.Replies.Current.Value.Length);
        Assert.False(await call.Replies.MoveNextAsync().InTime());
    }

    [Fact]
    public async Task Version1_MethodWithStreams_IsToldWhy()
    {
        await using TestServer server = await StreamServer.StartAsync("enumerable");
        await using RawPeer peer = await server.ConnectAsync();
        foreach (string method in (string[])["test/Count", "test/Sum", "test/Echo"])
        {
            await peer.SendAsync(Golden.Call(1, name: method));
            RawReply reply = await peer.ReceiveAsync();
            Assert.Contains("only version 2", reply.Data.ErrorMessage, StringComparison.Ordinal);
        }

        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();
    }

    [Fact]
    public async Task CallOfAnotherShape_WhatFitsWorksAndTheRestIsRefused()
    {
        await using TestServer server = await StreamServer.StartAsync("typed", more: app => app.MapRpc("test/One", (StringValue text) => text));
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        // One message is a stream of one.
        RpcMethod<StringValue, Int32Value> sum = RpcMethod.Unary<StringValue, Int32Value>("test", "Sum");
        Assert.Equal(4, (await connection.CallAsync(sum, StreamServer.Text(4)).InTime()).Value);
        RpcMethod<Int32Value, StringValue> count = RpcMethod.Unary<Int32Value, StringValue>("test", "Count");
        Assert.Equal("1", (await connection.CallAsync(count, new Int32Value { Value = 1 }).InTime()).Value);

        RpcException two = await Assert.ThrowsAsync<RpcException>(() => connection.CallAsync(count, new Int32Value { Value = 2 }).InTime());
        Assert.Equal(RpcStatusCode.Internal, two.StatusCode);
        RpcException none = await Assert.ThrowsAsync<RpcException>(() => connection.CallAsync(count, new Int32Value()).InTime());
        Assert.Equal(RpcStatusCode.Internal, none.StatusCode);

        RpcMethod<StringValue, StringValue> one = StreamServer.Method<StringValue, StringValue>(RpcMethodShape.ClientStreaming, "One");
        using RpcClientStreamingCall<StringValue, StringValue> many = connection.StartClientStream(one);
        await many.Requests.WriteAsync(StreamServer.Text(1)).InTime();
        await many.Requests.WriteAsync(StreamServer.Text(2)).InTime();
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => many.ReplyAsync.InTime());
        Assert.Equal((RpcStatusCode.InvalidArgument, "The method takes one message."), (refused.StatusCode, refused.Status.Message));
    }

    [Fact]
    public async Task OneWay_MethodWithStreams_IsNotHandledAndNotAnswered()
    {
        bool isHandled = false;
        await using TestServer server = await StreamServer.StartAsync("typed", more: app => app.MapRpc("test/Note", async (IAsyncEnumerable<StringValue> notes) =>
        {
            isHandled = true;
            await foreach (StringValue note in notes)
            {
            }
        }));
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        RpcCallHeader header = new() { Flags = RpcCallBits.End | RpcCallBits.OneWay };
        await peer.SendAsync(Version2Frames.Request(1, header, StreamServer.Text(1).ToByteArray(), "test/Note"), Version2Frames.Ping(1));
        Assert.Equal(RpcFrameType.Pong, (await peer.ReceiveAsync()).Type);
        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();
        Assert.False(isHandled);
    }

    [Fact]
    public async Task Dedicated_ThreadsAreBusy_StreamIsRefusedAndItsRequestsAreHarmless()
    {
        using ManualResetEventSlim release = new();
        using SemaphoreSlim started = new(0);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => (options.Dedicated.ThreadCount, options.Dedicated.MaxWaitingCalls) = (1, 1),
            App = app => app.MapRpc("test/Block", (IAsyncEnumerable<BytesValue> requests, IRpcStreamWriter<BytesValue> replies) =>
            {
                started.Release();
                Assert.True(release.Wait(TimeLimits.Limit));
                return Task.CompletedTask;
            }).WithScheduling(RpcScheduling.Dedicated),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        RpcCallHeader header = new() { Flags = RpcCallBits.NoMessage };
        await peer.SendAsync(Version2Frames.Request(1, header, [], "test/Block"));
        Assert.True(await started.WaitAsync(TimeLimits.Limit));
        await peer.SendAsync(Version2Frames.Request(2, header, [], "test/Block"), Version2Frames.Request(3, header, [], "test/Block"));
        Version2Reply refused = await peer.ReceiveResponseAsync(3);
        Assert.Equal(RpcStatusCode.ResourceExhausted, refused.Status.Code);
        await peer.SendAsync(Version2Frames.Data(3, RpcCallBits.End, StreamServer.Bytes(10).ToByteArray()));
        release.Set();
        await peer.ReceiveResponseAsync(1);
        await peer.ReceiveResponseAsync(2);
    }

    [Fact]
    public async Task Request_NotTheMessage_FailsTheReadingWithItsStatus()
    {
        await using TestServer server = await StreamServer.StartAsync("reader and writer");
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Request(1, new RpcCallHeader { Flags = RpcCallBits.End }, [0x0a, 0x05, 0x01], "test/Echo"));
        Assert.Equal(RpcStatusCode.InvalidArgument, (await peer.ReceiveResponseAsync(1)).Status.Code);
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task Handler_StreamsThatDoNotFit_IsRefusedWhenItIsMapped(Delegate handler, string hint)
    {
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            StreamServer.StartAsync("typed", more: app => app.MapRpc("test/Bad", handler)));
        Assert.Contains(hint, refused.Message, StringComparison.Ordinal);
    }

    public static TheoryData<Delegate, string> Bad => new()
    {
        { (IAsyncEnumerable<StringValue> a, IRpcStreamReader<StringValue> b) => Task.CompletedTask, "more than one message" },
        { (StringValue a, IAsyncEnumerable<StringValue> b) => Task.CompletedTask, "more than one message" },
        { (StringValue a, IRpcStreamWriter<StringValue> b, IRpcStreamWriter<StringValue> c) => Task.CompletedTask, "more than one stream to write to" },
        { (StringValue a, IRpcStreamWriter<StringValue> b) => a, "must return a Task" },
        { (StringValue a, IRpcStreamWriter<StringValue> b) => AsyncEnumerable.Empty<StringValue>(), "must return a Task" },
        { (IAsyncEnumerable<IMessage> a) => Task.CompletedTask, "cannot be created" },
        { (IRpcStreamWriter<StringValue> a) => Task.CompletedTask, "no parameter for its request" },
    };

    private sealed class Tally
    {
        public int Count { get; set; }
    }
}
