using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Kestrel.Rpc.Transport.Tests.Connecting;

/// <summary>
/// A listening socket whose queue is full: further connects wait until somebody is accepted. TCP's do so in SYN-SENT, and no
/// packet of theirs is answered, as at an address where nobody is.
/// </summary>
internal sealed class FullListener : IDisposable
{
    private readonly Socket _socket;
    private readonly Socket _filler;
    private readonly List<Socket> _accepted = [];

    public FullListener(EndPoint endPoint)
    {
        ProtocolType protocol = endPoint is UnixDomainSocketEndPoint ? ProtocolType.Unspecified : ProtocolType.Tcp;
        _socket = new Socket(endPoint.AddressFamily, SocketType.Stream, protocol);
        _socket.Bind(endPoint);
        _socket.Listen(0); // one connection has room all the same
        _filler = new Socket(endPoint.AddressFamily, SocketType.Stream, protocol);
        _filler.Connect(_socket.LocalEndPoint!);

        // The filler's last packet may still be on its way, and a connect before it would find room.
        Assert.True(_socket.Poll(TimeLimit.Current, SelectMode.SelectRead));
    }

    public EndPoint EndPoint => _socket.LocalEndPoint!;

    /// <summary>Waits until so many TCP connects of this machine are under way to this listener.</summary>
    /// <remarks>Away from this thread, which may be the loop's: to look takes longer than the time between two looks.</remarks>
    public Task WaitingAsync(int count) => Task.Run(() => Eventually.TrueAsync(() => Waiting() >= count));

    /// <summary>The TCP connects of this machine that are under way to this listener.</summary>
    public int Waiting() => IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections()
        .Count(connection => connection.State == TcpState.SynSent && connection.RemoteEndPoint.Equals(EndPoint));

    /// <summary>Accepts one that waits, which makes room for another.</summary>
    public async Task AcceptAsync() => _accepted.Add(await _socket.AcceptAsync().Limited());

    public void Dispose()
    {
        _accepted.ForEach(socket => socket.Dispose());
        _filler.Dispose();
        _socket.Dispose();
    }
}
