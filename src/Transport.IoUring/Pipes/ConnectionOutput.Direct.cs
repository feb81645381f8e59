using System.Buffers;

namespace Kestrel.Rpc.Transport;

/// <remarks>
/// Direct sends: where it is better the thread that flushes sends, while the transport has nothing to send, so that nothing can
/// overtake. All of it happens under the lock, which also keeps the descriptor: it is not closed before
/// <see cref="CompleteByTransport"/>, which takes the lock too.
/// </remarks>
internal sealed partial class ConnectionOutput
{
    private long _sentDirectly; // written under Lock
    private long _directTurn = -1; // the loop's turn in which the loop itself sent here last

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

        // An inline application whose peer reads as fast as it writes would never leave the loop to the others.
        if (_loop.IsOnLoop)
        {
            bool isFirst = _directTurn != _loop.Iteration;
            _directTurn = _loop.Iteration;
            return isFirst;
        }

        return true;
    }

    /// <summary>Sends what the socket takes at once. What is left, and any error, is the loop's. Returns the number of bytes sent.</summary>
    private long SendDirectly()
    {
        if (_readerCompleted)
        {
            return 0;
        }

        ReadOnlySequence<byte> bytes = _blocks.Sequence;
        long sent = 0;
        bool isWhole = true;
        while (isWhole && !bytes.IsEmpty)
        {
            int result = _socket.TrySend(bytes, out isWhole);
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
}
