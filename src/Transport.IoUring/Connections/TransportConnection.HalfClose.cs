using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport;

/// <remarks>
/// A server's application that completes its output is done with the connection, as Kestrel's transports have it. A client's says
/// so of its requests only, and still wants the answers: there the peer gets FIN, and the input goes on until the peer has ended
/// it or the connection is disposed.
/// </remarks>
internal sealed partial class TransportConnection
{
    private static readonly ConnectionAbortedException HalfClosed = new("Both sides have ended the connection.");

    private readonly bool _halfCloses;
    private bool _outputEnded; // loop thread only, like the next
    private bool _disposing;

    private void EndOutputOnLoop(Exception? error)
    {
        _outputEnded = true;
        if (!_halfCloses || _disposing || error is not null || _shutdownReason is not null || Volatile.Read(ref _abortReason) is not null)
        {
            ShutdownOnLoop(error);
            return;
        }

        _socket.ShutdownSend();
        TransportLog.ConnectionWriteFin(Settings.Logger, ConnectionId, "The application completed its output and everything was sent.");
    }

    /// <summary>Nobody reads the answers any more: when the last byte is sent, both directions end.</summary>
    private void EndHalfClose()
    {
        if (_halfCloses)
        {
            _loop.Schedule(static connection => ((TransportConnection)connection!).EndHalfCloseOnLoop(), this);
        }
    }

    private void EndHalfCloseOnLoop()
    {
        _disposing = true;
        if (_outputEnded)
        {
            ShutdownOnLoop(null);
        }
    }
}
