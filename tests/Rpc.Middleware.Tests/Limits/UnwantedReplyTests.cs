using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Replies longer than a frame whose caller grants no credit; on a clock that the tests move.</summary>
public sealed class UnwantedReplyTests
{
    private const int Long = 600_000;

    private readonly ManualTime _time = new();

    [Fact]
    public async Task Reply_NothingIsGranted_EndsWithAnErrorAndTheConnectionGoesOn()
    {
        await using TestServer server = await StartAsync();
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        const int Calls = 20; // some have credit of the connection, some wait for it, and the others for room
        for (uint id = 1; id <= Calls; id++)
        {
            await peer.SendAsync(Version2Frames.Hello(id));
        }

        Dictionary<uint, RpcStatusCode> ended = [];
        Task reading = ReadAsync();
        await AdvanceUntilAsync(reading, mostSeconds: 200);

        Assert.Equal(Calls, ended.Count);
        Assert.All(ended.Values, code => Assert.Equal(RpcStatusCode.DeadlineExceeded, code));
        Assert.InRange(Elapsed, 30, 200);
        await server.Logs.WaitForAsync(65);
        await peer.SendAsync(Version2Frames.Hello(100, name: "helloworld/Short"));
        Assert.Equal("short", (await peer.ReceiveResponseAsync(100)).Text);
        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();

        async Task ReadAsync()
        {
            while (ended.Count < Calls)
            {
                Version2Reply frame = await peer.ReceiveAsync();
                if (frame.Type == RpcFrameType.Response)
                {
                    ended.Add(frame.Id, frame.Status.Code);
                }
            }
        }
    }

    [Fact]
    public async Task Reply_IsTakenSlowly_Arrives()
    {
        await using TestServer server = await StartAsync();
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1));
        int received = 0;
        Version2Reply frame;
        for (int credit = RpcSettings.DefaultCallCredit; (frame = await peer.ReceiveAsync()).Type == RpcFrameType.Data;)
        {
            received += frame.Body.Length;
            credit -= frame.Body.Length + RpcCredit.FrameCost;
            if (credit == 0)
            {
                // All is there that could come: the server waits.
                Advance(20);
                credit = 20_000;
                await peer.SendAsync(Version2Frames.Credit(1, credit));
            }
        }

        Assert.Equal(RpcStatusCode.Ok, frame.Status.Code);
        Assert.InRange(received + frame.Body.Length, Long, Long + 10);
        Assert.True(Elapsed > 100, $"{Elapsed}");
    }

    [Fact]
    public async Task Stream_IsLeftAlone_StaysForAsLongAsItLikes()
    {
        await using TestServer server = await StartAsync();
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, name: "helloworld/Stream"));
        Version2Reply frame;
        int credit = RpcSettings.DefaultCallCredit;
        do
        {
            frame = await peer.ReceiveAsync();
            Assert.Equal(RpcFrameType.Data, frame.Type);
            credit -= frame.Body.Length + RpcCredit.FrameCost;
        }
        while (credit >= frame.Body.Length + RpcCredit.FrameCost);

        for (ulong i = 1; i <= 2; i++)
        {
            await peer.SendAsync(Version2Frames.Ping(i));
            Assert.Equal(RpcFrameType.Pong, (await peer.ReceiveAsync()).Type);
            Advance(300); // nothing is on its way any more
        }

        Assert.DoesNotContain(server.Logs.Ours, line => line.Id == 65);
    }

    private double Elapsed => TimeSpan.FromTicks(_time.GetTimestamp()).TotalSeconds;

    private void Advance(int seconds)
    {
        for (int i = 0; i < seconds; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    private async Task AdvanceUntilAsync(Task expected, int mostSeconds)
    {
        while (!expected.IsCompleted)
        {
            Assert.True(Elapsed < mostSeconds, $"Not after {Elapsed} s.");
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(expected, Task.Delay(10));
        }

        await expected;
    }

    private Task<TestServer> StartAsync() => TestServer.StartAsync(new TestServerSetup
    {
        Services = services => services.AddSingleton<TimeProvider>(_time),
        App = app =>
        {
            app.MapRpc(Golden.Name, (HelloRequest request) => new HelloReply { Msg = new string('y', Long) });
            app.MapRpc("helloworld/Short", (HelloRequest request) => new HelloReply { Msg = "short" });
            app.MapRpc("helloworld/Stream", (HelloRequest request) => ManyAsync());
        },
    });

    private static async IAsyncEnumerable<HelloReply> ManyAsync()
    {
        for (int i = 0; i < 1_000; i++)
        {
            await Task.Yield();
            yield return new HelloReply { Msg = new string('z', 10_000) };
        }
    }
}
