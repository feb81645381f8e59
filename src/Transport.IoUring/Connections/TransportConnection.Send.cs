using System.Buffers;
using System.IO.Pipelines;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

internal sealed partial class TransportConnection
{
    /// <summary>Sends what the application has flushed until it has completed its output, or the socket fails.</summary>
    /// <remarks>It awaits only what resumes on the loop: socket operations, and the pipe, whose scheduler is the loop.</remarks>
    private async Task SendOnLoop()
    {
        Exception? error = null; // null: the application is done and everything is sent
        bool unexpected = false; // errors that the application should see when it goes on writing
        try
        {
            while (true)
            {
                ReadResult read = await _output.ReadAsync();
                if (read.IsCanceled)
                {
                    break; // a shutdown has begun
                }

                ReadOnlySequence<byte> buffer = read.Buffer;
                int result = buffer.IsEmpty ? 0 : await _socket.SendAsync(buffer);
                if (result < 0)
                {
                    // A canceled send is part of a shutdown that has begun already.
                    error = result == -Errno.ECANCELED ? _shutdownReason : SocketError(-result);
                    unexpected = result != -Errno.ECANCELED && !SocketErrors.IsReset(-result);
                    break;
                }

                _output.AdvanceTo(buffer.End);
                if (read.IsCompleted)
                {
                    break;
                }
            }
        }
        catch (Exception e)
        {
            // The application completed its output with this error, or a bug of ours.
            TransportLog.ConnectionError(_settings.Logger, ConnectionId, e);
            error = e;
            unexpected = true;
        }

        ShutdownOnLoop(error);
        _output.Complete(unexpected ? error : null);
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
