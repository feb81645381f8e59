using System.Buffers;
using System.Threading.Tasks.Sources;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <remarks>
/// What is received. The queue is bounded by the credit of the call, and one message. The read loop hands over many messages at once, the reader
/// takes all that wait, and gives credit back for many: one by one, each message would have the two meet at two locks.
/// </remarks>
internal sealed partial class StreamCall<TRequest, TReply> : IRpcStreamReader<TReply>, IValueTaskSource<bool>
{
    // Far below what a peer may send, or it would wait for credit that nothing holds.
    private const int CreditAtOnce = 4 * 1024;

    // Few enough that the first need not wait long for the last.
    private const int MessagesAtOnce = 64;

    private Queue<ReceivedMessage<TReply>> _arriving = new(); // of the read loop

    private Queue<ReceivedMessage<TReply>> _received = new(); // under the lock, as the next four
    private long _heldByPieces; // credit of a message that is not whole, while others wait before it
    private bool _isBehind; // the reader has taken more than it has read
    private bool _isReading;
    private volatile bool _isDropped; // nobody wants more of it; read by any
    private Queue<ReceivedMessage<TReply>> _taken = new(); // of the reader, as the next
    private long _creditToGiveBack;
    private bool _hasReply; // of the read loop
    private ReceivedMessage<TReply> _current; // of the reader, or of the read loop while the reader waits
    private ManualResetValueTaskSourceCore<bool> _reading = new() { RunContinuationsAsynchronously = true };

    public TReply Current => _current.Message;

    public ReadOnlyMemory<byte> CurrentAttachment => _current.Attachment;

    public ValueTask<bool> MoveNextAsync(CancellationToken cancellationToken = default)
    {
        if (_taken.Count == 0 || _isDropped)
        {
            ValueTask<bool> waiting;
            lock (_gate)
            {
                if (_isReading)
                {
                    throw new InvalidOperationException("The reading before has not ended yet.");
                }

                _taken.Clear();
                (_taken, _received) = (_received, _taken);
                if (_taken.Count == 0)
                {
                    if (_hasEnded)
                    {
                        return _exception is null ? new ValueTask<bool>(false) : ValueTask.FromException<bool>(_exception);
                    }

                    _isReading = true;
                    _reading.Reset();
                    waiting = new ValueTask<bool>(this, _reading.Version);
                }
                else
                {
                    _isBehind = true;
                    waiting = default;
                }
            }

            if (_taken.Count == 0)
            {
                return cancellationToken.CanBeCanceled ? WaitAsync(waiting, cancellationToken) : waiting;
            }
        }

        ReadTaken();
        if (_current.Packed is null)
        {
            return new ValueTask<bool>(true);
        }

        try
        {
            return new ValueTask<bool>(Unpack());
        }
        catch (RpcException exception)
        {
            // The call has failed with it.
            return ValueTask.FromException<bool>(exception);
        }
    }

    bool IValueTaskSource<bool>.GetResult(short token) => _reading.GetResult(token) && (_current.Packed is null || Unpack());

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _reading.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _reading.OnCompleted(continuation, state, token, flags);

    protected override void OnMessage(in ReadOnlySequence<byte> message, in ReadOnlySequence<byte> attachment, long cost)
    {
        NoteReply();
        Arrive(new ReceivedMessage<TReply>(_method.ReplyFormat.Read(message), attachment.IsEmpty ? default : attachment.ToArray(), cost));
    }

    public override void HandOver()
    {
        if (_arriving.Count == 0)
        {
            return;
        }

        lock (_gate)
        {
            if (_isDropped)
            {
                _arriving.Clear(); // its credit goes back with the end of the call
                return;
            }

            if (_received.Count == 0)
            {
                (_received, _arriving) = (_arriving, _received);
            }

            while (_arriving.TryDequeue(out ReceivedMessage<TReply> next))
            {
                _received.Enqueue(next);
            }

            if (!_isReading)
            {
                return;
            }

            _isReading = false;
            _current = _received.Dequeue();
        }

        GiveBack(_current.Cost);
        _reading.SetResult(true);
    }

    // What one call asked for is decompressed at once: of a stream there may be many that nobody reads.
    protected override bool TryKeep(RpcEncoding encoding, in ReadOnlySequence<byte> message, in ReadOnlySequence<byte> attachment, long cost)
    {
        if (HasOneReply)
        {
            return false;
        }

        NoteReply();
        Arrive(new ReceivedMessage<TReply>(default!, attachment.IsEmpty ? default : attachment.ToArray(), cost, new PackedMessage(encoding, message.ToArray())));
        return true;
    }

    protected override void OnPiece(long cost)
    {
        lock (_gate)
        {
            if (_arriving.Count > 0 || _received.Count > 0 || _isBehind)
            {
                // The reader is behind: granted when it has read those before, or it could be sent any number of long messages.
                _heldByPieces += cost;
                return;
            }
        }

        GiveBack(cost);
    }

    private void NoteReply()
    {
        if (HasOneReply && _hasReply)
        {
            throw new RpcException(RpcStatusCode.Internal, $"{Method} has one reply, and the server sent a second.");
        }

        if (!_hasReply)
        {
            _hasReply = true;
            SetHeaders(RpcMetadata.Empty); // if none were said before, there are none
        }
    }

    private void Arrive(in ReceivedMessage<TReply> received)
    {
        _arriving.Enqueue(received);
        if (_arriving.Count >= MessagesAtOnce)
        {
            HandOver();
        }
    }

    private async ValueTask<bool> WaitAsync(ValueTask<bool> waiting, CancellationToken cancellationToken)
    {
        using (cancellationToken.UnsafeRegister(
            static (state, token) => ((StreamCall<TRequest, TReply>)state!).CancelBy(token),
            this))
        {
            return await waiting.ConfigureAwait(false);
        }
    }

    private void EndReading(Exception? exception)
    {
        if (exception is null)
        {
            _reading.SetResult(false);
        }
        else
        {
            _reading.SetException(exception);
        }
    }

    // Whatever ended the call has given its credit back.
    private void DropReceived()
    {
        lock (_gate)
        {
            _isDropped = true;
            _received.Clear();
            _heldByPieces = 0;
        }
    }

    private void ReadTaken()
    {
        _current = _taken.Dequeue();
        _creditToGiveBack += _current.Cost;
        bool isLast = _taken.Count == 0;
        if (isLast)
        {
            lock (_gate)
            {
                _isBehind = false;
                if (_received.Count == 0)
                {
                    _creditToGiveBack += _heldByPieces;
                    _heldByPieces = 0;
                }
            }
        }

        if (isLast || _creditToGiveBack >= CreditAtOnce)
        {
            GiveBack(_creditToGiveBack);
            _creditToGiveBack = 0;
        }
    }

    private void GiveBack(long cost)
    {
        if (cost > 0)
        {
            ((Version2Session)Session).Flow.Release(this, cost);
        }
    }
}
