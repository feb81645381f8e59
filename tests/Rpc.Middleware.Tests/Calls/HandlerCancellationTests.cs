using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What a handler does when it is cancelled harms nobody else.</summary>
public sealed class HandlerCancellationTests
{
    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Cancel_OfAHandlerThatCleansUpForLong_DoesNotStopTheConnection(TransportKind transport)
    {
        using ManualResetEventSlim release = new();
        using SemaphoreSlim started = new(0);
        string? where = null;
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            App = app => app.MapRpc(Golden.Name, async (HelloRequest request, CancellationToken token) =>
            {
                if (request.Msg == "held")
                {
                    started.Release();
                    // As SqlCommand does, say, which tells its server over the network.
                    using (token.Register(() =>
                    {
                        where = Environment.StackTrace;
                        release.Wait(TimeLimits.Limit, CancellationToken.None);
                    }))
                    {
                        await Task.Delay(Timeout.Infinite, token);
                    }
                }

                return new HelloReply { Msg = "free" };
            }),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "held"));
        Assert.True(await started.WaitAsync(TimeLimits.Limit));

        await peer.SendAsync(Version2Frames.Cancel(1), Version2Frames.Hello(3, "free"));
        try
        {
            await peer.ReceiveResponseAsync(3).WaitAsync(TimeSpan.FromSeconds(5));
        }
        catch (TimeoutException)
        {
            Assert.Fail("The other call is not answered while the cancelled one cleans up:\n" + where);
        }
        finally
        {
            release.Set();
        }
    }

    // The same on one event loop: another connection.
    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Cancel_OfAHandlerThatCleansUpForLong_DoesNotStopOtherConnections(TransportKind transport)
    {
        using ManualResetEventSlim release = new();
        using SemaphoreSlim started = new(0);
        using SemaphoreSlim cleaning = new(0);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            App = app => app.MapRpc(Golden.Name, async (HelloRequest request, CancellationToken token) =>
            {
                if (request.Msg == "held")
                {
                    started.Release();
                    // As SqlCommand does, say, which tells its server over the network.
                    using (token.Register(() =>
                    {
                        cleaning.Release();
                        release.Wait(TimeLimits.Limit, CancellationToken.None);
                    }))
                    {
                        await Task.Delay(Timeout.Infinite, token);
                    }
                }

                return new HelloReply { Msg = "free" };
            }),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await using Version2Peer peer2 = await Version2Peer.ConnectAsync(server);
        await using Version2Peer peer3 = await Version2Peer.ConnectAsync(server);
        await using Version2Peer peer4 = await Version2Peer.ConnectAsync(server);
        Version2Peer[] others = [peer2, peer3, peer4];
        foreach (Version2Peer other in others)
        {
            await other.SendAsync(Version2Frames.Hello(1, "free"));
            await other.ReceiveResponseAsync(1);
        }

        await peer.SendAsync(Version2Frames.Hello(1, "held"));
        Assert.True(await started.WaitAsync(TimeLimits.Limit));

        await peer.SendAsync(Version2Frames.Cancel(1));
        Assert.True(await cleaning.WaitAsync(TimeLimits.Limit));
        int answered = 0;
        try
        {
            foreach (Version2Peer other in others)
            {
                await other.SendAsync(Version2Frames.Hello(3, "free"));
            }

            foreach (Version2Peer other in others)
            {
                await other.ReceiveResponseAsync(3).WaitAsync(TimeSpan.FromSeconds(3));
                answered++;
            }
        }
        catch (TimeoutException)
        {
            Assert.Fail($"Other connections are not served; {answered} were.");
        }
        finally
        {
            release.Set();
        }
    }

    // A CANCEL with the same handler is logged (CancellationFailed) and harmless.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CallbackThatThrows_CallIsCancelledOrOutOfTime_FailsNothingElse(bool isOutOfTime)
    {
        using SemaphoreSlim started = new(0);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, async (HelloRequest request, CancellationToken token) =>
            {
                if (request.Msg == "held")
                {
                    TaskCompletionSource<HelloReply> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
                    token.Register(() => done.SetCanceled(token));
                    token.Register(() => done.SetCanceled(token)); // the second one throws
                    started.Release();
                    return await done.Task;
                }

                return new HelloReply { Msg = "free" };
            }),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(
            1, "held", isOutOfTime ? new RpcCallHeader { Flags = RpcCallBits.End, Timeout = TimeSpan.FromMilliseconds(200) } : default));
        Assert.True(await started.WaitAsync(TimeLimits.Limit));
        if (!isOutOfTime)
        {
            await peer.SendAsync(Version2Frames.Cancel(1));
        }

        Assert.Equal(isOutOfTime ? RpcStatusCode.DeadlineExceeded : RpcStatusCode.Cancelled, (await peer.ReceiveResponseAsync(1)).Status.Code);
    }
}
