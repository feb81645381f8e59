using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A client of version 2 made of a socket. Has read the server's settings when the first frame it waits for comes.</summary>
internal sealed class Version2Peer(RawPeer raw) : IAsyncDisposable
{
    private bool _hasSettings;

    public RawPeer Raw => raw;

    /// <summary>What the server accepts, once a frame has come.</summary>
    public RpcSettings Settings { get; private set; } = RpcSettings.Default;

    public static async Task<Version2Peer> ConnectAsync(TestServer server) => new(await server.ConnectAsync());

    public Task SendAsync(params byte[][] frames) => raw.SendAsync(frames.SelectMany(frame => frame).ToArray());

    /// <summary>The next frame; <see langword="null"/> if the server has closed the connection.</summary>
    public async Task<Version2Reply?> TryReceiveAsync()
    {
        while (true)
        {
            Version2Reply? reply = await raw.TryReceiveVersion2Async();
            if (reply is null || _hasSettings)
            {
                return reply;
            }

            // Always there, and always first.
            Assert.Equal(RpcFrameType.Settings, reply.Type);
            _hasSettings = true;
        }
    }

    public async Task<Version2Reply> ReceiveAsync()
    {
        Version2Reply? reply = await TryReceiveAsync();
        Assert.NotNull(reply);
        return reply;
    }

    /// <summary>The RESPONSE of a call that is not cut; nothing else may come before.</summary>
    public async Task<Version2Reply> ReceiveResponseAsync(uint id)
    {
        Version2Reply reply = await ReceiveAsync();
        Assert.Equal(RpcFrameType.Response, reply.Type);
        Assert.Equal(id, reply.Id);
        return reply;
    }

    /// <summary>Expects a GOAWAY and the end of the connection.</summary>
    public async Task<Version2Reply> ExpectGoAwayAsync(RpcGoAwayCode code)
    {
        Version2Reply? last = null;
        while (await TryReceiveAsync() is { } reply)
        {
            last = reply;
        }

        Assert.NotNull(last);
        Assert.Equal(RpcFrameType.GoAway, last.Type);
        Assert.Equal(code, last.Code);
        return last;
    }

    public ValueTask DisposeAsync() => raw.DisposeAsync();
}
