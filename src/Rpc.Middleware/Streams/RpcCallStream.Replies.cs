using System.Threading.Tasks.Sources;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>
/// What the handler writes. A message becomes a frame in a buffer at once; the connection's writer takes whole buffers. So the messages that a
/// handler writes one after the other leave together. Bounded: above <see cref="MostWaiting"/> bytes the handler waits.
/// </remarks>
internal sealed partial class RpcCallStream : IRpcReplyStream, IThreadPoolWorkItem, IValueTaskSource
{
    /// <summary>Bytes that may wait, and the last message: as much as one flush takes.</summary>
    internal const int MostWaiting = OutputQueue.BytesPerFlush;

    private readonly Lock _replyLock = new();
    private RpcByteBuffer _filling = new(); // under the lock, as all up to the next comment
    private int _fillingCost;
    private long _waiting; // bytes of both buffers that were not written
    private bool _isQueued; // in the output, or on the way there, or waiting for credit
    private bool _hasHandlerEnded;
    private bool _isCompleted;
    private bool _isWaitingForRoom;
    private bool _hasHeaders;
    private Exception? _replyFailure;
    private ManualResetValueTaskSourceCore<bool> _room = new() { RunContinuationsAsynchronously = true };

    /// <summary>Whether metadata has gone ahead of the messages. Only once all of them were written.</summary>
    public bool HasSentHeaders => _hasHeaders;

    /// <summary>Writes a message.</summary>
    /// <returns>Ends when there is room for the next one. To be awaited before that is written.</returns>
    public ValueTask WriteAsync(object message, ReadOnlySpan<byte> attachment, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        bool queue;
        ValueTask room;
        try
        {
            int size = _format.Measure(message);
            CheckLength(size, attachment);
            queue = IsShort(size, attachment) ? WriteShort(message, size, out room) : WriteLong(message, size, attachment, out room);
            Meter?.OnResponse(size);
        }
        catch (Exception exception) when (exception is RpcException or InvalidOperationException or OperationCanceledException)
        {
            return ValueTask.FromException(exception);
        }

        if (queue)
        {
            // Not here and now: what this handler writes next shall leave with it.
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        return room.IsCompleted || !cancellationToken.CanBeCanceled || cancellationToken == _cancelled ? room : WaitForRoomAsync(room, cancellationToken);
    }

    /// <summary>Says that the handler writes no more.</summary>
    public void Complete()
    {
        lock (_replyLock)
        {
            _isCompleted = true;
        }
    }

    void IThreadPoolWorkItem.Execute() => _session.Replies.Send(_call);

    void IValueTaskSource.GetResult(short token) => _room.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _room.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _room.OnCompleted(continuation, state, token, flags);

    private bool WriteShort(object message, int size, out ValueTask room)
    {
        lock (_replyLock)
        {
            ThrowIfNotWritable();
            int before = _filling.Length;
            AppendHeaders();
            AppendShort(message, size);
            return OnAppended(_filling.Length - before, out room);
        }
    }

    private bool WriteLong(object message, int size, ReadOnlySpan<byte> attachment, out ValueTask room)
    {
        RpcByteBuffer frames = Prepare(message, size, attachment, out int cost);
        try
        {
            lock (_replyLock)
            {
                ThrowIfNotWritable();
                int before = _filling.Length;
                AppendHeaders();
                AppendPrepared(ref frames, cost);
                return OnAppended(_filling.Length - before, out room);
            }
        }
        finally
        {
            frames.Clear();
        }
    }

    // Whether the stream must be queued, and what to wait for before the next message.
    private bool OnAppended(int bytes, out ValueTask room)
    {
        _waiting += bytes;
        room = default;
        if (_waiting > MostWaiting)
        {
            _isWaitingForRoom = true;
            _room.Reset();
            room = new ValueTask(this, _room.Version);
        }

        bool queue = !_isQueued;
        _isQueued = true;
        return queue;
    }

    private void EndReplies()
    {
        bool queue;
        bool wasWaiting;
        lock (_replyLock)
        {
            _hasHandlerEnded = true;
            wasWaiting = _isWaitingForRoom;
            _isWaitingForRoom = false;
            queue = !_isQueued;
            _isQueued = true;
        }

        if (wasWaiting)
        {
            _room.SetException(HasEnded());
        }

        if (queue)
        {
            _session.Replies.Send(_call);
        }
    }

    private void ThrowIfNotWritable()
    {
        if (_hasHandlerEnded)
        {
            throw HasEnded();
        }

        if (_replyFailure is { } failure)
        {
            throw failure is OperationCanceledException ? new OperationCanceledException(_cancelled) : new RpcException(((RpcException)failure).Status);
        }

        if (_isCompleted)
        {
            throw new InvalidOperationException("The stream of replies was completed.");
        }

        if (_isWaitingForRoom)
        {
            throw new InvalidOperationException("The message before still waits for room: await its writing first.");
        }
    }

    private void FailReplies(Exception exception)
    {
        lock (_replyLock)
        {
            exception = _replyFailure ??= Settle(exception);
            if (!_isWaitingForRoom)
            {
                return;
            }

            _isWaitingForRoom = false;
        }

        _room.SetException(exception);
    }

    private async ValueTask WaitForRoomAsync(ValueTask room, CancellationToken cancellationToken)
    {
        using (cancellationToken.UnsafeRegister(static (state, token) => ((RpcCallStream)state!).GiveUpRoom(token), this))
        {
            await room.ConfigureAwait(false);
        }
    }

    private void GiveUpRoom(CancellationToken cancellationToken)
    {
        lock (_replyLock)
        {
            if (!_isWaitingForRoom)
            {
                return;
            }

            _isWaitingForRoom = false;
        }

        _room.SetException(new OperationCanceledException(cancellationToken));
    }
}
