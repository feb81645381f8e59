using System.Buffers;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

internal sealed partial class TransportConnection
{
    /// <summary>Sends what the application has flushed until it has completed its output, or the socket fails.</summary>
    /// <remarks>It awaits operations of the loop only, so all of it runs on the loop's thread.</remarks>
    private async LoopMethod SendOnLoop()
    {
        Exception? error = null; // null: the application is done and everything is sent
        Exception? fault = null; // what the application should see when it goes on writing
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
                    fault = error; // what is not sent yet is not worth sending
                    break;
                }

                if (!buffer.IsEmpty)
                {
                    int result = -_output.DirectError;
                    if (result == 0)
                    {
                        result = await _socket.SendAsync(buffer);
                    }

                    if (result < 0)
                    {
                        // A canceled send is part of a shutdown that has begun already.
                        error = result == -Errno.ECANCELED ? _shutdownReason : SocketError(-result);
                        fault = result == -Errno.ECANCELED || SocketErrors.IsReset(-result) ? null : error;
                        break;
                    }

                    _loop.Statistics.BytesSent += buffer.Length;
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
            // Not the peer's doing: an inline application's callback, or a bug of ours. The connection ends, the loop goes on.
            error = fault = e;
        }

        try
        {
            EndOutputOnLoop(error);
            LogFault(fault);
        }
        finally
        {
            // Whatever a logger or the application's callbacks throw, the descriptor is closed.
            _output.CompleteByTransport(fault);
            MethodEndedOnLoop();
        }
    }

    private void LogFault(Exception? fault)
    {
        if (fault is not null)
        {
            TransportLog.ConnectionError(Settings.Logger, ConnectionId, fault);
        }
    }

    private Exception SocketError(int errno)
    {
        Exception error = (errno == Errno.ENOMEM ? _socket.MemoryFault : null) ?? SocketErrors.ToException(errno);
        if (SocketErrors.IsReset(errno))
        {
            TransportLog.ConnectionReset(Settings.Logger, ConnectionId);
        }

        return error;
    }
}
