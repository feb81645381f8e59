using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>One connection of either version, for tests that expect the same of both: calls Hello, and tells replies by their text or status.</summary>
internal sealed class LimitPeer(int version, RawPeer raw) : IAsyncDisposable
{
    private readonly Version2Peer _version2 = new(raw);

    public static TheoryData<int> Versions => [1, 2];

    public RawPeer Raw => raw;

    public static async Task<LimitPeer> ConnectAsync(TestServer server, int version) => new(version, await server.ConnectAsync());

    /// <summary>Sends calls, each a text of its own, with ids from one on.</summary>
    public Task CallAsync(uint id, string text = "held", RpcMetadata? metadata = null, TimeSpan? timeout = null, string name = Golden.Name) => raw.SendAsync(version == 1
        ? Golden.Call(id, text, name)
        : Version2Frames.Hello(id, text, new RpcCallHeader { Metadata = metadata, Timeout = timeout }, name));

    public Task CancelAsync(uint id) => raw.SendAsync(Version2Frames.Cancel(id));

    /// <summary>The next reply: its text, or <c>!</c> and the code of its error, and <c>?</c> if it was processed for all that.</summary>
    public async Task<(uint Id, string Text)> ReceiveAsync()
    {
        if (version == 1)
        {
            RawReply reply = await raw.ReceiveAsync();
            return (reply.SequenceId, reply.Data.ErrorCode is { } code ? $"!{code}" : reply.Msg);
        }

        Version2Reply response = await _version2.ReceiveAsync();
        Assert.Equal(RpcFrameType.Response, response.Type);
        string how = response.Flags.HasFlag(RpcCallBits.NotProcessed) ? "" : "?";
        return (response.Id, response.Status.Code == RpcStatusCode.Ok ? response.Text : $"!{response.Status.Code}{how}");
    }

    /// <summary>Expects a reply that says the call was refused and never ran.</summary>
    public async Task ExpectRefusalAsync(uint id) => Assert.Equal((id, version == 1 ? "!SERVER" : "!ResourceExhausted"), await ReceiveAsync());

    public async Task<IReadOnlyList<(uint Id, string Text)>> ReceiveAsync(int count)
    {
        List<(uint, string)> replies = [];
        while (replies.Count < count)
        {
            replies.Add(await ReceiveAsync());
        }

        return [.. replies.Order()];
    }

    /// <summary>The next frame of version 2.</summary>
    public Task<Version2Reply?> TryReceiveFrameAsync() => _version2.TryReceiveAsync();

    public ValueTask DisposeAsync() => raw.DisposeAsync();
}

/// <summary>What a server holds of its limits.</summary>
internal static class LimitServer
{
    public static RpcServer Rpc(this TestServer server) => server.Services.GetRequiredService<RpcServer>();

    /// <summary>Waits until the server's bound has so many calls running and waiting.</summary>
    public static async Task WaitForAsync(this RpcConcurrencyGate gate, int running, int waiting)
    {
        long start = Environment.TickCount64;
        while (gate.Running != running || gate.Waiting != waiting)
        {
            // Nothing tells of it; the loop ends as soon as it is so.
            Assert.True(Environment.TickCount64 - start < TimeLimits.Limit.TotalMilliseconds, $"{gate.Running} run and {gate.Waiting} wait, not {running} and {waiting}.");
            await Task.Yield();
        }
    }
}
