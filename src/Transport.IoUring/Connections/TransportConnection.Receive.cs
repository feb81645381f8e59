using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

internal sealed partial class TransportConnection
{
    /// <summary>Moves bytes to the application until the peer's stream ends, the application stops reading, or something fails.</summary>
    /// <remarks>It awaits operations of the loop only, so all of it runs on the loop's thread.</remarks>
    private async LoopMethod ReceiveOnLoop()
    {
        Exception? error = null;
        Exception? fault = null;
        try
        {
            while (true)
            {
                int received = await _socket.ReceiveAsync();
                if (received <= 0)
                {
                    int errno = received == 0 ? ErrorBeforeEnd() : -received;
                    error = EndOfInput(errno);
                    fault = SocketErrors.IsReset(errno) ? null : error; // a reset has a line of its own
                    break;
                }

                CountOnLoop(received);
                if (!_input.CommitOnLoop())
                {
                    // Nothing more is taken from the kernel while the application has enough to do.
                    TransportLog.ConnectionPause(Settings.Logger, ConnectionId);
                    _socket.PauseReceiving();
                    await _input.ResumedAsync();
                    _socket.ResumeReceiving();
                    TransportLog.ConnectionResume(Settings.Logger, ConnectionId);
                }

                if (_input.IsReaderCompleted || _shutdownReason is not null)
                {
                    break; // the application reads no more, or a shutdown woke us
                }
            }
        }
        catch (Exception e)
        {
            // Not the peer's doing: an inline application's callback, or a bug of ours. The connection ends, the loop goes on.
            error = fault = e;
        }

        try
        {
            _socket.StopReceiving();
            _input.CompleteByTransport(_shutdownReason ?? error); // a shutdown comes before any error that it caused itself
            LogFault(fault);
        }
        finally
        {
            // Whatever a logger or the application's callbacks throw, the descriptor is closed.
            FireConnectionClosed();
            MethodEndedOnLoop();
        }
    }

    /// <summary>
    /// The error that stands behind what looks like the end of the input: the kernel told it to a send. EPIPE is none: there the peer
    /// had ended its stream in order, and answered later bytes of ours with a reset.
    /// </summary>
    private int ErrorBeforeEnd()
    {
        int error = _output.WaitForDirectError();
        if (error is 0 or Errno.EPIPE)
        {
            error = _socket.IsSending && _socket.WasReset() ? Errno.ECONNRESET : 0;
        }

        return error;
    }

    private Exception? EndOfInput(int errno)
    {
        if (errno == 0)
        {
            TransportLog.ConnectionReadFin(Settings.Logger, ConnectionId);
            return null;
        }

        // A canceled receive is part of a shutdown, whose reason tells more.
        return errno == Errno.ECANCELED ? null : SocketError(errno);
    }
}
