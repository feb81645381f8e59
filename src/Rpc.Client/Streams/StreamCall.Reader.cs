using System.Buffers;
using System.Threading.Tasks.Sources;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <remarks>What is received. The queue is bounded by the credit of the call, and one message.</remarks>
internal sealed partial class StreamCall<TRequest, TReply> : IRpcStreamReader<TReply>, IValueTaskSource<bool>
{
    // So much credit is given back before the reader has read all that was there: a quarter of the smallest window.
    private const int ReleasedAtOnce = RpcSettings.DefaultCallCredit / 4;

    private Queue<ReceivedMessage<TReply>> _received = new(); // under the lock, as the next ones
    private long _heldByPieces; // credit of a message that is not whole, while others wait before it
    private bool _isReading;
    private bool _hasTaken; // the reader has taken messages that it has not read
    private bool _isDropped; // nobody wants more of it
    private Queue<ReceivedMessage<TReply>> _taken = new(); // of the reader, as the next
    private long _unreleased;
    private bool _hasReply; // of the read loop
    private ReceivedMessage<TReply> _current; // of the reader, or of the read loop while the reader waits
    private ManualResetValueTaskSourceCore<bool> _reading = new() { RunContinuationsAsynchronously = true };

    public TReply Current => _current.Message;

    public ReadOnlyMemory<byte> CurrentAttachment => _current.Attachment;

    public ValueTask<bool> MoveNextAsync(CancellationToken cancellationToken = default)
    {
        if (_taken.Count == 0 || Volatile.Read(ref _isDropped))
        {
            ValueTask<bool> waiting = default;
            bool isWaiting = false;
            lock (_gate)
            {
                if (_isReading)
                {
                    throw new InvalidOperationException("The reading before has not ended yet.");
                }

                if (!TryTake())
                {
                    if (_hasEnded)
                    {
                        return _exception is null ? new ValueTask<bool>(false) : ValueTask.FromException<bool>(_exception);
                    }

                    _isReading = isWaiting = true;
                    _reading.Reset();
                    waiting = new ValueTask<bool>(this, _reading.Version);
                }
            }

            Release(0, least: 1);
            if (isWaiting)
            {
                return cancellationToken.CanBeCanceled ? WaitAsync(waiting, cancellationToken) : waiting;
            }
        }

        _current = _taken.Dequeue();
        Release(_current.Cost, ReleasedAtOnce);
        return new ValueTask<bool>(true);
    }

    bool IValueTaskSource<bool>.GetResult(short token) => _reading.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _reading.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _reading.OnCompleted(continuation, state, token, flags);

    protected override void OnMessage(in ReadOnlySequence<byte> message, in ReadOnlySequence<byte> attachment, long cost)
    {
        if (HasOneReply && _hasReply)
        {
            throw new RpcException(RpcStatusCode.Internal, $"{Method} has one reply, and the server sent a second.");
        }

        _hasReply = true;
        SetHeaders(RpcMetadata.Empty); // if none were said before, there are none
        ReceivedMessage<TReply> received = new(
            _method.ReplyMarshaller.Read(message),
            attachment.IsEmpty ? default : attachment.ToArray(),
            cost);
        lock (_gate)
        {
            if (_isDropped)
            {
                return; // its credit goes back with the end of the call
            }

            if (!_isReading)
            {
                _received.Enqueue(received);
                return;
            }

            _isReading = false;
            _current = received;
        }

        GiveBack(cost);
        _reading.SetResult(true);
    }

    protected override void OnPiece(long cost)
    {
        lock (_gate)
        {
            if (_received.Count > 0 || _hasTaken)
            {
                // The reader is behind: granted when it has read those before, or it could be sent any number of long messages.
                _heldByPieces += cost;
                return;
            }
        }

        GiveBack(cost);
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

    // All that waits at once: the read loop and the reader meet once for many messages. Under the lock.
    private bool TryTake()
    {
        _taken.Clear(); // of a call that was dropped
        _hasTaken = _received.Count > 0;
        if (_hasTaken)
        {
            (_received, _taken) = (_taken, _received);
            return true;
        }

        // What is not whole yet must be let in now, or it could never be.
        _unreleased += _heldByPieces;
        _heldByPieces = 0;
        return false;
    }

    // Of the reader: gathers what it has read until it is worth a frame.
    private void Release(long cost, long least)
    {
        _unreleased += cost;
        if (_unreleased >= least)
        {
            long released = _unreleased;
            _unreleased = 0;
            GiveBack(released);
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
