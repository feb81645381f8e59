using System.Collections.Concurrent;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Middleware in front of the methods.</summary>
public sealed class PipelineTests
{
    [Fact]
    public async Task Middleware_Several_RunInOrderAroundTheHandler()
    {
        ConcurrentQueue<string> steps = new();
        await using TestServer server = await StartAsync(app =>
        {
            app.UseRpc(rpc => rpc.Use(Step("1")).Use(next => call => Step("2")(call, next)));
            app.UseRpc(rpc => rpc.Use(Step("3")));
            app.MapRpc(Golden.Name, (HelloRequest request) =>
            {
                steps.Enqueue("handler");
                return new HelloReply { Msg = request.Msg };
            });
        });

        Assert.Equal("abc", (await CallAsync(server, "abc")).Msg);
        Assert.Equal(["1", "2", "3", "handler", "/3", "/2", "/1"], steps);

        Func<RpcContext, RpcDelegate, ValueTask> Step(string name) => async (call, next) =>
        {
            steps.Enqueue(name);
            await next(call);
            steps.Enqueue("/" + name);
        };
    }

    [Fact]
    public async Task Middleware_AnswersItself_HandlerIsNotCalled()
    {
        await using TestServer server = await StartAsync(app =>
        {
            app.UseRpc(rpc => rpc.Use((call, next) =>
            {
                call.Reply = new HelloReply { Msg = "short cut" };
                return default;
            }));
            app.MapRpc(Golden.Name, HelloReply (HelloRequest _) => throw new InvalidOperationException("called"));
        });

        Assert.Equal("short cut", (await CallAsync(server)).Msg);
        Assert.Empty(server.Logs.Ours);
    }

    [Fact]
    public async Task Middleware_NeitherAnswersNorGoesOn_CallerGetsAnError()
    {
        await using TestServer server = await StartAsync(app =>
        {
            app.UseRpc(rpc => rpc.Use((call, next) => default));
            app.MapHello();
        });

        Assert.Equal("SERVER", (await CallAsync(server)).Data.ErrorCode);
        Assert.Equal(34, Assert.Single(await server.Logs.WaitForAsync(34)).Id);
    }

    [Theory]
    [InlineData(RpcScheduling.ThreadPool)]
    [InlineData(RpcScheduling.Inline)]
    public async Task Middleware_StopsWaitingForTheHandler_LateReplyReachesNoOtherCall(RpcScheduling scheduling)
    {
        TaskCompletionSource finish = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource late = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<RpcContext> next = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource proceed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        RpcContext? abandoned = null;
        await using TestServer server = await StartAsync(app =>
        {
            app.UseRpc(rpc => rpc
                .Use((call, rest) =>
                {
                    if (call.Method != "Slow")
                    {
                        return rest(call);
                    }

                    abandoned = call;
                    _ = rest(call).AsTask();
                    throw new RpcException(RpcErrorCode.Timeout, "too slow");
                })
                .Use(async (call, rest) =>
                {
                    await rest(call);
                    if (call.Method == "Slow")
                    {
                        call.Items["user"] = "alice";
                        late.SetResult();
                    }
                }));
            app.MapRpc("s/Slow", async (HelloRequest _) =>
            {
                await finish.Task;
                return new HelloReply { Msg = "for alice" };
            }).WithScheduling(scheduling);
            app.MapRpc("s/Other", async (HelloRequest _, RpcContext call) =>
            {
                next.SetResult(call);
                await proceed.Task;
                return new HelloReply { Msg = $"for bob {call.Items.Count}" };
            }).WithScheduling(scheduling);
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Call(1, "alice", "s/Slow"));
        Assert.Equal("TIMEOUT", (await peer.ReceiveAsync()).Data.ErrorCode);
        await peer.SendAsync(Golden.Call(2, "bob", "s/Other"));
        RpcContext other = await next.Task.InTime();
        finish.SetResult();
        await late.Task.InTime();

        Assert.NotSame(abandoned, other);
        Assert.Null(other.Reply);
        proceed.SetResult();
        Assert.Equal("for bob 0", (await peer.ReceiveAsync()).Msg);
    }

    [Fact]
    public async Task Middleware_ChangesTheReply_CallerGetsTheChangedOne()
    {
        await using TestServer server = await StartAsync(app =>
        {
            app.UseRpc(rpc => rpc.Use(async (call, next) =>
            {
                await next(call);
                call.Reply = new HelloReply { Msg = ((HelloReply)call.Reply!).Msg + "!" };
            }));
            app.MapHello();
        });

        Assert.Equal("Hello world!", (await CallAsync(server)).Msg);
    }

    [Fact]
    public async Task Middleware_SwallowsTheHandlersException_AnswersInstead()
    {
        await using TestServer server = await StartAsync(app =>
        {
            app.UseRpc(rpc => rpc.Use(async (call, next) =>
            {
                try
                {
                    await next(call);
                }
                catch (InvalidOperationException exception)
                {
                    call.Reply = new HelloReply { Msg = exception.Message };
                }
            }));
            app.MapRpc(Golden.Name, HelloReply (HelloRequest _) => throw new InvalidOperationException("rescued"));
        });

        Assert.Equal("rescued", (await CallAsync(server)).Msg);
        Assert.Empty(server.Logs.Ours);
    }

    [Fact]
    public async Task Middleware_Refuses_CallerGetsItsCodeAndMessage()
    {
        await using TestServer server = await StartAsync(app =>
        {
            app.UseRpc(rpc => rpc.Use((call, next) => throw new RpcException(RpcErrorCode.Client, "go away")));
            app.MapHello();
        });

        RawReply reply = await CallAsync(server);

        Assert.Equal(("CLIENT", "go away"), (reply.Data.ErrorCode, reply.Data.ErrorMessage));
    }

    [Fact]
    public async Task Middleware_TwoMethods_IsComposedOnce()
    {
        int composed = 0;
        await using TestServer server = await StartAsync(app =>
        {
            app.UseRpc(rpc => rpc.Use(next =>
            {
                Interlocked.Increment(ref composed);
                return next;
            }));
            app.MapHello();
            app.MapRpc("a/A", (HelloRequest _) => new HelloReply());
        });

        await CallAsync(server);
        await CallAsync(server);

        Assert.Equal(1, composed);
    }

    private static Task<TestServer> StartAsync(Action<WebApplication> app) => TestServer.StartAsync(new TestServerSetup { App = app });

    private static async Task<RawReply> CallAsync(TestServer server, string msg = "world")
    {
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(Golden.Call(1, msg));
        return await peer.ReceiveAsync();
    }
}
