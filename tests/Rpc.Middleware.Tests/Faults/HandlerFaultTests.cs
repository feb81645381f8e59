using Google.Protobuf.WellKnownTypes;
using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Handlers, and the services they need, that fail in the ways they can: their own call pays, the others do not notice.</summary>
public sealed class HandlerFaultTests
{
    public static TheoryData<int> Versions => [1, 2];

    [Theory, MemberData(nameof(Versions))]
    public async Task Handler_NeverReturns_OthersGoOnAndItsConnectionEnds(int version)
    {
        TaskCompletionSource never = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await StartAsync(async Task<HelloReply> (HelloRequest request) =>
        {
            started.TrySetResult();
            await never.Task; // no token
            return new HelloReply();
        });
        await using (RpcConnection connection = await OtherCalls.ConnectAsync(server, version))
        {
            using CancellationTokenSource source = new();
            Task<HelloReply> call = connection.CallAsync(OtherCalls.Hello, new HelloRequest(), new RpcCallOptions { CancellationToken = source.Token }).AsTask();
            await started.Task.InTime();
            await OtherCalls.ExpectServedAsync(server, connection);
            await source.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.InTime());
            await OtherCalls.ExpectServedAsync(server, connection);
        }

        await OtherCalls.ExpectServedAsync(server, null);
        never.SetResult();
        await server.ExpectNothingLeftAsync();
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Pipeline_ThrowsAfterTheReplyWasSet_CallerGetsTheErrorOnce(int version)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app =>
            {
                OtherCalls.Map(app);
                app.UseRpc(rpc => rpc.Use(async (call, next) =>
                {
                    await next(call);
                    if (call.Service == "helloworld")
                    {
                        Assert.NotNull(call.Reply);
                        throw new InvalidOperationException("afterwards");
                    }
                }));
                app.MapHello();
            },
        });
        await using RpcConnection connection = await OtherCalls.ConnectAsync(server, version);

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => connection.CallAsync(OtherCalls.Hello, new HelloRequest()).InTime());

        Assert.Equal(RpcErrorCode.Server, failed.Code);
        await OtherCalls.ExpectServedAsync(server, connection);
        Assert.Single(server.Logs.Ours, line => line.Id == 32);
    }

    [Fact]
    public async Task StreamHandler_ThrowsAfterSomeReplies_CallerGetsThemAndTheError()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app =>
            {
                OtherCalls.Map(app);
                app.MapRpc("test/Count", async (Int32Value request, IRpcStreamWriter<StringValue> replies) =>
                {
                    await replies.WriteAsync(StreamServer.Text(1));
                    throw new InvalidOperationException("afterwards");
                });
            },
        });
        await using RpcConnection connection = await OtherCalls.ConnectAsync(server);
        using RpcServerStreamingCall<StringValue> call = connection.StartServerStream(StreamServer.Count, new Int32Value());

        Assert.True(await call.Replies.MoveNextAsync().InTime());
        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.Replies.MoveNextAsync().InTime());

        Assert.Equal(RpcErrorCode.Server, failed.Code);
        await OtherCalls.ExpectServedAsync(server, connection);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Handler_RepliesAfterCancelOrReset_NothingElseIsAnswered(TransportKind transport)
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            App = app =>
            {
                OtherCalls.Map(app);
                app.MapRpc(Golden.Name, (HelloRequest request) => gate.HandleAsync(request, CancellationToken.None));
            },
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await using RawPeer gone = await server.ConnectAsync();
        await peer.SendAsync(Version2Frames.Hello(1, "late", index: 1));
        await gone.SendAsync(Golden.Call(1, "late"));
        await gate.WaitForStartedAsync(2);
        await peer.SendAsync(Version2Frames.Cancel(1), Version2Frames.Ping(7));
        Assert.Equal(RpcFrameType.Pong, (await peer.ReceiveAsync()).Type); // so CANCEL was read
        gone.Reset();

        gate.Open();
        await peer.ReceiveResponseAsync(1); // one, whatever it says
        await peer.SendAsync(Version2Frames.HelloByIndex(2, 1, "free"));
        Assert.Equal("free", (await peer.ReceiveResponseAsync(2)).Text);
        await OtherCalls.ExpectServedAsync(server, null);
    }

    [Theory]
    [InlineData("constructor")]
    [InlineData("missing")]
    [InlineData("dispose")]
    public async Task Service_Fails_OnlyItsCallFails(string how)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services =>
            {
                if (how != "missing")
                {
                    services.AddScoped(_ => new Fragile(how));
                }
            },
            App = app =>
            {
                OtherCalls.Map(app);
                app.MapRpc(Golden.Name, (HelloRequest request, RpcContext context) =>
                {
                    context.RequestServices.GetRequiredService<Fragile>();
                    return new HelloReply();
                });
            },
        });
        await using RpcConnection connection = await OtherCalls.ConnectAsync(server);
        for (int i = 0; i < 3; i++)
        {
            RpcException failed = await Assert.ThrowsAsync<RpcException>(() => connection.CallAsync(OtherCalls.Hello, new HelloRequest()).InTime());
            Assert.Equal("The handler failed.", failed.Message); // nothing of the exception
            await OtherCalls.ExpectServedAsync(server, connection);
        }
    }

    private static Task<TestServer> StartAsync(Delegate handler) => TestServer.StartAsync(new TestServerSetup
    {
        App = app =>
        {
            OtherCalls.Map(app);
            app.MapRpc(Golden.Name, handler);
        },
    });

    private sealed class Fragile : IDisposable
    {
        private readonly string _how;

        public Fragile(string how)
        {
            _how = how;
            if (how == "constructor")
            {
                throw new InvalidOperationException("constructor");
            }
        }

        public void Dispose()
        {
            if (_how == "dispose")
            {
                throw new InvalidOperationException("dispose");
            }
        }
    }
}
