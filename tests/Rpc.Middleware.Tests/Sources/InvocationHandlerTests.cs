using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Invocation;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Invocation handlers behind methods: composition, fan-out, a reply that comes later, handlers of whole calls.</summary>
public sealed class InvocationHandlerTests
{
    [Theory]
    [InlineData(1, RpcScheduling.Inline)]
    [InlineData(1, RpcScheduling.ThreadPool)]
    [InlineData(2, RpcScheduling.Inline)]
    [InlineData(2, RpcScheduling.ThreadPool)]
    public async Task Handlers_PutTogether_AnswerCallsOfTheNetwork(int version, RpcScheduling scheduling)
    {
        IInvocationHandler<HelloRequest, HelloReply> plain = InvocationHandler.FromFunction((HelloRequest request) => Reply(request, "plain"));
        IInvocationHandler<HelloRequest, HelloReply> later = InvocationHandler.FromAsyncFunction<HelloRequest, HelloReply>(async (request, _) =>
        {
            await Task.Yield();
            return Reply(request, "later");
        });
        int seen = 0;
        IInvocationHandler<HelloRequest, HelloReply> handler = InvocationHandler
            .Route<HelloRequest, HelloReply>(request => request.Msg.Length % 2 == 0 ? plain : later)
            .Around((invocation, inner) =>
            {
                Interlocked.Increment(ref seen);
                return inner.HandleAsync(invocation);
            });
        await using TestServer server = await StartAsync(handler, scheduling);
        await using RpcConnection client = await ConnectAsync(server, version);

        HelloReply[] replies = await Task.WhenAll(Enumerable.Range(1, 200).Select(i => CallAsync(client, new string('a', i)))).InTime();

        Assert.Equal(Enumerable.Range(1, 200).Select(i => $"{(i % 2 == 0 ? "plain" : "later")} {new string('a', i)}"), replies.Select(reply => reply.Msg));
        Assert.Equal(200, seen);
    }

    [Fact]
    public async Task FanOut_BehindAMethod_IdleBackEndTakesWhatWaitsForABusyOne()
    {
        await using FanOut<HelloRequest, HelloReply> fanOut = new(new FanOutOptions { QueueCapacity = 64 });
        TaskCompletionSource gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        FanOutBackEnd slow = fanOut.Add(InvocationHandler.FromAsyncFunction<HelloRequest, HelloReply>(async (request, _) =>
        {
            await gate.Task;
            return Reply(request, "slow");
        }));
        await using TestServer server = await StartAsync(fanOut);
        await using RpcConnection client = await ConnectAsync(server, 2);
        Task<HelloReply> stuck = CallAsync(client, "stuck");
        while (slow.Running == 0)
        {
            await Task.Yield();
        }

        Task<HelloReply>[] calls = [.. Enumerable.Range(0, 20).Select(i => CallAsync(client, $"{i}"))];
        fanOut.Add(InvocationHandler.FromFunction((HelloRequest request) => Reply(request, "idle")));

        Assert.All(await Task.WhenAll(calls).InTime(), reply => Assert.StartsWith("idle", reply.Msg, StringComparison.Ordinal));
        Assert.False(stuck.IsCompleted);
        gate.SetResult();
        Assert.Equal("slow stuck", (await stuck.InTime()).Msg);
    }

    [Fact]
    public async Task FanOut_WithoutBackEnds_RefusesTheCallAsNotProcessed()
    {
        await using FanOut<HelloRequest, HelloReply> fanOut = new();
        await using TestServer server = await StartAsync(fanOut);
        await using RpcConnection client = await ConnectAsync(server, 2);

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => CallAsync(client, "world").InTime());

        Assert.Equal((RpcStatusCode.Unavailable, true), (refused.StatusCode, refused.IsNotProcessed));
    }

    [Fact]
    public async Task Handler_ThrowsRejectedOfACallOfItsOwn_IsNoReasonToCallAgain()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, HelloReply (HelloRequest _) => throw new InvocationRejectedException("somewhere else")),
        });
        await using RpcConnection client = await ConnectAsync(server, 2);

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => CallAsync(client, "world").InTime());

        Assert.False(failed.IsNotProcessed);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Handler_EndsWithoutAReply_IsAnErrorOfTheCall(int version)
    {
        await using TestServer server = await StartAsync(InvocationHandler.Create((Invocation<HelloRequest, HelloReply> _) => { }));
        await using RpcConnection client = await ConnectAsync(server, version);

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => CallAsync(client, "world").InTime());

        Assert.Equal(RpcErrorCode.Server, failed.Code);
        Assert.Equal("The handler gave no reply.", failed.Status.Message);
    }

    [Fact]
    public async Task Handler_StillRunsWhenItsCallerGaveUp_CallCountsUntilItHasEnded()
    {
        TaskCompletionSource gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        IInvocationHandler<HelloRequest, HelloReply> handler = InvocationHandler.FromAsyncFunction<HelloRequest, HelloReply>(async (request, token) =>
        {
            // The last that was registered is called first, so when this is called nobody waits for the reply any more.
            await using CancellationTokenRegistration registration = token.UnsafeRegister(_ => cancelled.TrySetResult(), null);
            await gate.Task;
            return Reply(request, "done");
        });
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Limits.MaxConcurrentCallsPerConnection = 1,
            App = app =>
            {
                app.UseRpc(rpc => rpc.Use((call, next) =>
                {
                    ValueTask running = next(call);
                    started.TrySetResult(); // the caller waits for the handler now
                    return running;
                }));
                app.MapRpc(Golden.Name, handler);
            },
        });
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(Version2Frames.Hello(1, index: 1));
        await started.Task.InTime();
        await peer.SendAsync(Version2Frames.Cancel(1));

        await peer.SendAsync(Version2Frames.HelloByIndex(2, 1));
        Version2Reply refused = await ReceiveResponseAsync(peer);
        await cancelled.Task.InTime();
        gate.SetResult();
        Version2Reply given = await ReceiveResponseAsync(peer);

        Assert.Equal((2u, RpcStatusCode.ResourceExhausted), (refused.Id, refused.Status.Code));
        Assert.Equal((1u, RpcStatusCode.Cancelled), (given.Id, given.Status.Code));
    }

    [Fact]
    public async Task Handler_OfWholeCalls_SeesNameMetadataAndServices()
    {
        IInvocationHandler<RpcContext, IMessage> handler = InvocationHandler.FromFunction(IMessage (RpcContext call) =>
        {
            call.ReplyTrailers.Add("version", $"{call.ProtocolVersion}");
            return new HelloReply { Msg = $"{call.Name} {((HelloRequest)call.Request).Msg} {call.RequestMetadata.GetValue("where")}" };
        });
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = app => app.MapRpc<HelloRequest>(Golden.Name, handler) });
        await using RpcConnection client = await ConnectAsync(server, 2);
        using RpcUnaryCall<HelloReply> call = client.StartCall(
            SourceServer.Hello, new HelloRequest { Msg = "world" }, new RpcCallOptions { Metadata = new RpcMetadata { { "where", "east" } } });

        Assert.Equal("helloworld/Hello world east", (await call.ReplyAsync.InTime()).Msg);
        Assert.Equal("2", call.Trailers.GetValue("version"));
    }

    private static async Task<Version2Reply> ReceiveResponseAsync(RawPeer peer)
    {
        while (await peer.TryReceiveVersion2Async() is { } reply)
        {
            if (reply.Type == RpcFrameType.Response)
            {
                return reply;
            }
        }

        throw new InvalidOperationException("The server has closed the connection.");
    }

    private static HelloReply Reply(HelloRequest request, string by) => new() { Msg = $"{by} {request.Msg}" };

    private static Task<TestServer> StartAsync(IInvocationHandler<HelloRequest, HelloReply> handler, RpcScheduling scheduling = RpcScheduling.ThreadPool) =>
        TestServer.StartAsync(new TestServerSetup { App = app => app.MapRpc(Golden.Name, handler).WithScheduling(scheduling) });

    private static Task<RpcConnection> ConnectAsync(TestServer server, int version) =>
        RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = version }).InTime();

    private static Task<HelloReply> CallAsync(RpcConnection client, string text) =>
        client.CallAsync(SourceServer.Hello, new HelloRequest { Msg = text }).AsTask();
}
