using System.Buffers;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <remarks>
/// Direct sends: where it is better the thread that flushes sends, while the transport has nothing to send, so that nothing can
/// overtake. All of it happens under the lock, which also keeps the descriptor: it is not closed before
/// <see cref="CompleteByTransport"/>, which takes the lock too.
/// </remarks>
internal sealed partial class ConnectionOutput
{
    // One flush keeps the lock, and an inline application its loop, no longer than this takes; the loop sends the rest in turns.
    private const long MaxDirectBytes = 1024 * 1024;

    private long _sentDirectly; // written under Lock
    private long _directTurn = -1; // the loop's turn in which an application on a loop sent here last
    private int _directError; // guarded by Lock: the socket has told it, and tells it nobody else

    /// <summary>How many bytes have been sent by the threads that flushed them, all in all. Any thread.</summary>
    public long SentDirectly => Volatile.Read(ref _sentDirectly);

    /// <summary>
    /// Whether the loop would have to be woken for little, or the flush would have to wait for the loop although the socket may
    /// take everything now.
    /// </summary>
    private bool IsDirectSendBetter(long committed)
    {
        if (_loop.IsDirectSendCheaper)
        {
            return true;
        }

        if (PauseThreshold == 0 || committed < PauseThreshold)
        {
            return false;
        }

        // An inline application whose peer reads as fast as it writes would never leave its loop to the others.
        long turn = EventLoop.TurnOfCurrent;
        bool isFirst = turn < 0 || turn != _directTurn;
        _directTurn = turn;
        return isFirst;
    }

    /// <summary>The error that a direct send has got, or 0. For the loop after <see cref="TryTakeOnLoop"/>: none is under way then.</summary>
    public int DirectError => _directError;

    /// <summary>
    /// The same at any time, with that of a send under way. The kernel tells an error of a socket once: whoever finds the end of the
    /// input must ask here whether it was one.
    /// </summary>
    public int WaitForDirectError()
    {
        lock (Lock)
        {
            return _directError;
        }
    }

    /// <summary>Sends what the socket takes at once. What is left, and any error, is the loop's. Returns the number of bytes sent.</summary>
    private long SendDirectly()
    {
        if (_readerCompleted || _directError != 0)
        {
            return 0;
        }

        ReadOnlySequence<byte> bytes = _blocks.Sequence;
        long sent = 0;
        bool isWhole = true;
        while (isWhole && !bytes.IsEmpty && sent < MaxDirectBytes)
        {
            int result = TrySend(bytes, out isWhole);
            if (result <= 0)
            {
                break;
            }

            sent += result;
            bytes = bytes.Slice(result);
        }

        if (sent > 0)
        {
            Volatile.Write(ref _sentDirectly, _sentDirectly + sent);
            var block = (PipeBlock)bytes.Start.GetObject()!;
            int index = bytes.Start.GetInteger();
            _blocks.Examine(block, index);
            _blocks.Consume(block, index);
            CountSent(sent, _loop.TimeProvider.GetTimestamp()); // the loop's own clock stands while it sleeps
        }

        return sent;
    }

    private int TrySend(in ReadOnlySequence<byte> bytes, out bool isWhole)
    {
        try
        {
            int result = _socket.TrySend(bytes, out isWhole);
            if (result < 0 && result is not (-Errno.EAGAIN or -Errno.EINTR))
            {
                _directError = -result;
            }

            return result;
        }
        catch (Exception)
        {
            // Memory of the user's own kind that cannot be pinned. The loop finds the same, and ends the connection with it.
            isWhole = false;
            return 0;
        }
    }
}
