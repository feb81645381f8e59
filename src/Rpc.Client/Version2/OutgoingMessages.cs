using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>
/// What a call sends in DATA frames: the rest of a cut request, or a stream. One thread at a time adds messages; the writer of the
/// connection takes them in turns with what others send, as far as there is credit. Bounded: who adds waits while more than
/// <see cref="MostWaiting"/> bytes are there.
/// </summary>
internal sealed class OutgoingMessages : IValueTaskSource
{
    /// <summary>Bytes that may wait, and the last message: as much as one flush takes.</summary>
    internal const int MostWaiting = OutputQueue.BytesPerFlush;

    // After so many bytes it is the turn of others.
    private const int BytesPerTurn = 16 * 1024;

    private readonly Lock _lock = new();
    private readonly FlowControl _flow;
    private MessageBuffer _filling = new(); // under the lock, as all up to the next comment
    private Queue<OutgoingMessage> _fillingMessages = new();
    private ManualResetValueTaskSourceCore<bool> _room = new() { RunContinuationsAsynchronously = true };
    private bool _isWaiting; // for room
    private bool _isQueued;
    private bool _isEnded; // no message follows
    private long _bytes;
    private MessageBuffer _draining; // of the writer, as all that follow
    private Queue<OutgoingMessage> _drainingMessages = new();
    private OutgoingMessage _current;
    private int _offset; // in _draining
    private int _left; // of the current message
    private bool _isUnderWay; // the current message has begun
    private bool _isEndWritten;

    /// <summary>Makes one for a stream whose REQUEST is still to be written: that is its first turn.</summary>
    public OutgoingMessages(FlowControl flow)
    {
        _flow = flow;
        _draining = new MessageBuffer();
        _isQueued = true;
    }

    /// <summary>Makes one for the rest of a request whose first piece was written; nothing is added to it.</summary>
    public OutgoingMessages(FlowControl flow, MessageBuffer request, int offset)
        : this(flow)
    {
        _draining = request;
        _current = new OutgoingMessage(request.Length, 0, RpcEncoding.None);
        _offset = offset;
        _left = request.Length - offset;
        _isUnderWay = true;
        _isEnded = true;
        EndsWithMessage = true;
    }

    /// <summary>Whether END stands on the last piece, and not on a frame of its own.</summary>
    private bool EndsWithMessage { get; }

    /// <summary>Adds a message.</summary>
    /// <param name="call">The call.</param>
    /// <param name="message">The message.</param>
    /// <param name="serialize">Puts the message into the buffer.</param>
    /// <returns>Ends when there is room for the next message. To be awaited before that is added.</returns>
    /// <exception cref="RpcException">The message cannot be serialised; the stream goes on without it.</exception>
    /// <exception cref="InvalidOperationException">The stream was completed, or the last message still waits for room.</exception>
    public ValueTask AddAsync<TMessage>(PendingCall call, TMessage message, Func<PendingCall, TMessage, MessageBuffer, OutgoingMessage> serialize)
    {
        bool queue;
        ValueTask room = ValueTask.CompletedTask;
        lock (_lock)
        {
            ThrowIfNoMessageMayCome();
            OutgoingMessage added = serialize(call, message, _filling);
            _fillingMessages.Enqueue(added);
            _bytes += added.Length + RpcCredit.FrameCost;
            queue = !_isQueued && !call.IsCompleted;
            _isQueued |= queue;
            if (_bytes > MostWaiting && !call.IsCompleted)
            {
                _isWaiting = true;
                _room.Reset();
                room = new ValueTask(this, _room.Version);
            }
        }

        if (queue)
        {
            Queue(call);
        }

        return room;
    }

    /// <summary>Says that no message follows. A second time does nothing.</summary>
    public void End(PendingCall call)
    {
        bool queue;
        lock (_lock)
        {
            queue = !_isEnded && !_isQueued && !call.IsCompleted;
            _isQueued |= queue;
            _isEnded = true;
        }

        if (queue)
        {
            Queue(call);
        }
    }

    /// <summary>Lets go of who waits for room: the call has ended.</summary>
    public void Close(Exception? exception)
    {
        lock (_lock)
        {
            if (!_isWaiting)
            {
                return;
            }

            _isWaiting = false;
        }

        if (exception is null)
        {
            _room.SetResult(true);
        }
        else
        {
            _room.SetException(exception);
        }
    }

    /// <summary>Writes as much as there is, one may, and is fair. In the writer's role.</summary>
    /// <returns>Bytes written.</returns>
    public int Write(PendingCall call, PipeWriter output, out bool goesOn)
    {
        int written = 0;
        while (true)
        {
            if (call.IsCompleted)
            {
                _draining.Clear();
                goesOn = false;
                return written;
            }

            if (!_isUnderWay && _left == 0 && !TryTakeNext())
            {
                if (TryEnd(call, output, ref written))
                {
                    goesOn = false;
                    return written;
                }

                continue;
            }

            if (written >= BytesPerTurn)
            {
                call.Session.Requests.WriteAgain(call);
                goesOn = true;
                return written;
            }

            if (!_flow.TryTake(call, Math.Min(_left, Version2Session.LongestPiece), out int piece, out goesOn))
            {
                return written;
            }

            written += WritePiece(call, output, piece);
        }
    }

    void IValueTaskSource.GetResult(short token) => _room.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _room.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _room.OnCompleted(continuation, state, token, flags);

    private static void Queue(PendingCall call)
    {
        call.Hold();
        call.Session.Requests.Enqueue(call);
    }

    private void ThrowIfNoMessageMayCome()
    {
        if (_isEnded)
        {
            throw new InvalidOperationException("The stream of requests was completed.");
        }

        if (_isWaiting)
        {
            throw new InvalidOperationException("The message before still waits for room: await its writing first.");
        }
    }

    private bool TryTakeNext()
    {
        if (_drainingMessages.Count == 0)
        {
            _draining.Clear();
            _offset = 0;
            lock (_lock)
            {
                (_filling, _draining) = (_draining, _filling);
                (_fillingMessages, _drainingMessages) = (_drainingMessages, _fillingMessages);
            }
        }

        if (!_drainingMessages.TryDequeue(out _current))
        {
            return false;
        }

        _left = _current.Length;
        _isUnderWay = true;
        return true;
    }

    // False if there is something to write after all.
    private bool TryEnd(PendingCall call, PipeWriter output, ref int written)
    {
        bool end;
        lock (_lock)
        {
            if (_fillingMessages.Count > 0)
            {
                return false;
            }

            _isQueued = false;
            end = _isEnded && !_isEndWritten && !EndsWithMessage;
        }

        if (end)
        {
            _isEndWritten = true;
            RpcCallHeader header = new() { Flags = RpcCallBits.End | RpcCallBits.NoMessage };
            written += RpcCallFrameWriter.Write(output, RpcFrameType.Data, call.WireId, default, header, default, RpcFrameRules.DefaultVersion2Limits);
        }

        return true;
    }

    private int WritePiece(PendingCall call, PipeWriter output, int length)
    {
        bool isFirst = _left == _current.Length;
        bool isLast = length == _left;
        RpcCallHeader header = new()
        {
            Flags = (isFirst && _current.Encoding != RpcEncoding.None ? RpcCallBits.Compressed : RpcCallBits.None)
                 | (!isLast ? RpcCallBits.More : EndsWithMessage ? RpcCallBits.End : RpcCallBits.None),
            MessageLength = isFirst && !isLast ? _current.Length : 0,
            AttachmentLength = isFirst ? _current.AttachmentLength : 0,
            Encoding = isFirst ? _current.Encoding : RpcEncoding.None,
        };
        Span<byte> span = output.GetSpan(RpcCallFrameWriter.GetMaxStartLength(default, header) + length);
        int start = RpcCallFrameWriter.WriteStart(span, RpcFrameType.Data, call.WireId, default, header, length, RpcFrameRules.DefaultVersion2Limits);
        _draining.Written.Slice(_offset, length).CopyTo(span[start..]);
        output.Advance(start + length);
        _offset += length;
        _left -= length;
        _isUnderWay = !isLast;
        OnWritten(length + (isLast ? RpcCredit.FrameCost : 0));
        return start + length;
    }

    private void OnWritten(int bytes)
    {
        lock (_lock)
        {
            _bytes -= bytes;
            if (!_isWaiting || _bytes > MostWaiting / 2)
            {
                return;
            }

            _isWaiting = false;
        }

        _room.SetResult(true);
    }
}
