using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests.Version2;

/// <summary>A server that is silent is asked, and given up if it stays so.</summary>
public class KeepAliveTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task Silence_ServerAnswers_TheConnectionLives()
    {
        ManualClock clock = new();
        await using ScriptedServer server = new(Options(clock));
        for (int i = 0; i < 5; i++)
        {
            clock.Advance(10 * Second);
            ClientFrame ping = await server.ReceiveAsync();
            Assert.Equal(RpcFrameType.Ping, ping.Type);
            await server.SendAsync(ServerFrame.Pong((ulong)i), ServerFrame.Ping(77));
            Assert.Equal(RpcFrameType.Pong, (await server.ReceiveAsync()).Type); // so the first was read too
            clock.Advance(2 * Second);
            server.AssertNothingSent();
        }

        Assert.False(server.Client.Closed.IsCompleted);
    }

    [Fact]
    public async Task Silence_NoAnswer_EndsTheConnectionAndItsCalls()
    {
        ManualClock clock = new();
        await using ScriptedServer server = new(Options(clock));
        Task<StringValue> call = server.HelloAsync("a");
        await server.ReceiveAsync();
        clock.Advance(10 * Second);
        Assert.Equal(RpcFrameType.Ping, (await server.ReceiveAsync()).Type);
        clock.Advance(2 * Second);
        Assert.Equal(RpcStatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => call.Within())).StatusCode);
        Assert.Equal(RpcGoAwayCode.KeepAliveTimeout, (await server.ReceiveAsync()).GoAwayCode);
        await server.Client.Closed.Within();
    }

    [Fact]
    public async Task Traffic_WithinTheInterval_AsksNothing()
    {
        ManualClock clock = new();
        await using ScriptedServer server = new(Options(clock));
        for (int i = 0; i < 5; i++)
        {
            await server.SendAsync(ServerFrame.Ping(7));
            Assert.Equal(RpcFrameType.Pong, (await server.ReceiveAsync()).Type);
            clock.Advance(10 * Second);
            server.AssertNothingSent();
        }
    }

    private static RpcConnectionOptions Options(ManualClock clock) =>
        new() { TimeProvider = clock, KeepAliveInterval = 10 * Second, KeepAliveTimeout = 2 * Second };
}
