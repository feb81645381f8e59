using System.Buffers;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

internal sealed partial class TransportConnection
{
    /// <summary>Sends what the application has flushed until it has completed its output, or the socket fails.</summary>
    /// <remarks>It awaits operations of the loop only, so all of it runs on the loop's thread.</remarks>
    private async Task SendOnLoop()
    {
        Exception? error = null; // null: the application is done and everything is sent
        bool unexpected = false; // errors that the application should see when it goes on writing
        try
        {
            while (_shutdownReason is null)
            {
                if (!_output.TryTakeOnLoop(out ReadOnlySequence<byte> buffer, out bool isCompleted, out error))
                {
                    await _output.ReadyAsync();
                    continue;
                }

                if (error is not null)
                {
                    // The application completed its output with an error: what is not sent yet is not worth sending.
                    TransportLog.ConnectionError(_settings.Logger, ConnectionId, error);
                    unexpected = true;
                    break;
                }

                if (!buffer.IsEmpty)
                {
                    int result = await _socket.SendAsync(buffer);
                    if (result < 0)
                    {
                        // A canceled send is part of a shutdown that has begun already.
                        error = result == -Errno.ECANCELED ? _shutdownReason : SocketError(-result);
                        unexpected = result != -Errno.ECANCELED && !SocketErrors.IsReset(-result);
                        break;
                    }

                    _output.SentOnLoop(buffer.End);
                }

                if (isCompleted)
                {
                    break;
                }
            }
        }
        catch (Exception e)
        {
            // Not the peer's doing: a bug of ours. The connection ends, the loop goes on.
            TransportLog.ConnectionError(_settings.Logger, ConnectionId, e);
            error = e;
            unexpected = true;
        }

        ShutdownOnLoop(error);
        _output.CompleteByTransport(unexpected ? error : null);
        MethodEndedOnLoop();
    }

    private Exception SocketError(int errno)
    {
        Exception error = SocketErrors.ToException(errno);
        if (SocketErrors.IsReset(errno))
        {
            TransportLog.ConnectionReset(_settings.Logger, ConnectionId);
        }
        else
        {
            TransportLog.ConnectionError(_settings.Logger, ConnectionId, error);
        }

        return error;
    }
}
