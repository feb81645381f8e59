using System.IO.Pipelines;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

internal sealed partial class TransportConnection
{
    /// <summary>Moves bytes to the application until the peer's stream ends, the application stops reading, or something fails.</summary>
    /// <remarks>It awaits only what resumes on the loop: socket operations, and the pipe, whose scheduler is the loop.</remarks>
    private async Task ReceiveOnLoop()
    {
        Exception? error = null;
        try
        {
            while (true)
            {
                int received = await _socket.ReceiveAsync();
                if (received <= 0)
                {
                    error = EndOfInput(-received);
                    break;
                }

                ValueTask<FlushResult> flushing = _input.FlushAsync();
                FlushResult flushed;
                if (flushing.IsCompleted)
                {
                    flushed = await flushing;
                }
                else
                {
                    // Nothing more is taken from the kernel while the application has enough to do.
                    TransportLog.ConnectionPause(_settings.Logger, ConnectionId);
                    _socket.PauseReceiving();
                    flushed = await flushing;
                    _socket.ResumeReceiving();
                    TransportLog.ConnectionResume(_settings.Logger, ConnectionId);
                }

                if (flushed.IsCompleted || flushed.IsCanceled)
                {
                    break; // the application reads no more, or a shutdown woke us
                }
            }
        }
        catch (Exception e)
        {
            // Not the peer's doing: the memory pool, or a bug of ours. The connection ends, the loop goes on.
            TransportLog.ConnectionError(_settings.Logger, ConnectionId, e);
            error = e;
        }

        _socket.StopReceiving();
        _input.Complete(_shutdownReason ?? error); // a shutdown comes before any error that it caused itself
        FireConnectionClosed();
        MethodEndedOnLoop();
    }

    private Exception? EndOfInput(int errno)
    {
        if (errno == 0)
        {
            TransportLog.ConnectionReadFin(_settings.Logger, ConnectionId);
            return null;
        }

        // A canceled receive is part of a shutdown, whose reason tells more.
        return errno == Errno.ECANCELED ? null : SocketError(errno);
    }
}
