using System.Net;
using System.Net.Sockets;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>What the end of an input tells when a send has taken the error of a reset.</summary>
public sealed class ResetTests : IDisposable
{
    private readonly Socket _ours;
    private readonly Socket _peer = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public ResetTests()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        _peer.Connect(listener.LocalEndPoint!);
        _ours = listener.Accept();
    }

    public void Dispose()
    {
        _ours.Dispose();
        _peer.Dispose();
    }

    [Fact]
    public async Task WasReset_ErrorIsTaken_True()
    {
        ResetByPeer();
        await Eventually.TrueAsync(() => TakeError() != 0); // as a send does that had sent something

        Assert.Equal(0, _ours.Receive(new byte[1])); // looks like the peer's end
        Assert.True(WasReset());
    }

    [Fact]
    public async Task WasReset_PeerEndedInOrder_False()
    {
        _peer.Shutdown(SocketShutdown.Send);

        Assert.Equal(0, await _ours.ReceiveAsync(new byte[1]).WaitAsync(TestTransport.Limit));
        Assert.False(WasReset());
        ResetByPeer();
        Assert.False(await EventuallyClosedAsync(), "The stream had ended before, and the reset's error is still there for the next send.");
    }

    [Fact]
    public void WasReset_Open_False() => Assert.False(WasReset());

    [Fact]
    public void WasReset_UnixSocket_False()
    {
        using var folder = new TemporaryFolder();
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder.Path, "reset")));
        listener.Listen();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(listener.LocalEndPoint!);

        Assert.False(new ScriptedSocket((int)socket.Handle, () => 0).WasReset());
    }

    /// <summary>Waits until the reset has arrived, which a poll tells, and asks then.</summary>
    private async Task<bool> EventuallyClosedAsync()
    {
        await Eventually.TrueAsync(() => _ours.Poll(0, SelectMode.SelectError));
        return WasReset();
    }

    private void ResetByPeer()
    {
        _peer.LingerState = new LingerOption(true, 0);
        _peer.Dispose();
    }

    private int TakeError() => (int)_ours.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;

    private bool WasReset() => new ScriptedSocket((int)_ours.Handle, () => 0).WasReset();
}
