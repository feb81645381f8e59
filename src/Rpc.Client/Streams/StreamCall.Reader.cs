using System.Buffers;
using System.Threading.Tasks.Sources;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <remarks>What is received. The queue is bounded by the credit of the call, and one message.</remarks>
internal sealed partial class StreamCall<TRequest, TReply> : IRpcStreamReader<TReply>, IValueTaskSource<bool>
{
    private readonly Queue<ReceivedMessage<TReply>> _received = new(); // under the lock, as the next three
    private long _heldByPieces; // credit of a message that is not whole, while others wait before it
    private bool _isReading;
    private bool _isDropped; // nobody wants more of it
    private bool _hasReply; // of the read loop
    private ReceivedMessage<TReply> _current; // of the reader, or of the read loop while the reader waits
    private ManualResetValueTaskSourceCore<bool> _reading = new() { RunContinuationsAsynchronously = true };

    public TReply Current => _current.Message;

    public ReadOnlyMemory<byte> CurrentAttachment => _current.Attachment;

    public ValueTask<bool> MoveNextAsync(CancellationToken cancellationToken = default)
    {
        long cost = 0;
        ValueTask<bool> waiting = default;
        bool isWaiting = false;
        lock (_gate)
        {
            if (_isReading)
            {
                throw new InvalidOperationException("The reading before has not ended yet.");
            }

            if (_received.TryDequeue(out _current))
            {
                cost = _current.Cost + TakeHeldByPieces();
            }
            else if (_hasEnded)
            {
                return _exception is null ? new ValueTask<bool>(false) : ValueTask.FromException<bool>(_exception);
            }
            else
            {
                _isReading = isWaiting = true;
                _reading.Reset();
                waiting = new ValueTask<bool>(this, _reading.Version);
            }
        }

        if (isWaiting)
        {
            return cancellationToken.CanBeCanceled ? WaitAsync(waiting, cancellationToken) : waiting;
        }

        GiveBack(cost);
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
            if (_received.Count > 0)
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

    private long TakeHeldByPieces()
    {
        if (_received.Count > 0)
        {
            return 0;
        }

        long held = _heldByPieces;
        _heldByPieces = 0;
        return held;
    }

    private void GiveBack(long cost)
    {
        if (cost > 0)
        {
            ((Version2Session)Session).Flow.Release(this, cost);
        }
    }
}
