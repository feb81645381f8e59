using System.Buffers;
using System.Threading.Tasks.Sources;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>
/// What the caller sends. Bytes wait here until the handler reads them, and are parsed then: bounded by the credit of the call, and one
/// message. Credit is granted anew as the handler reads.
/// </remarks>
internal sealed partial class RpcCallStream
{
    // So much is given back before the handler has read all that was there: a quarter of the window.
    private const int ReleasedAtOnce = RpcSettings.DefaultCallCredit / 4;

    private readonly Lock _requestLock = new();
    private readonly RpcRequestCredit.Stream _requestCredit;
    private RpcRequestBatch _arriving = new(); // under the lock, as all up to the next comment
    private bool _isReading; // the handler waits for a message
    private bool _hasUnread; // of the batch that the handler has
    private bool _isRequestOver;
    private bool _isClosed; // nobody reads any more
    private long _heldByPieces; // credit of a message that is not whole, while others wait before it
    private Exception? _requestFailure;
    private RpcMessageAssembly? _assembly;
    private long _collecting; // the message in it, as the session counts them
    private long _collected; // messages that came in pieces and were not read, likewise
    private ManualResetValueTaskSourceCore<bool> _arrival = new() { RunContinuationsAsynchronously = true };
    private RpcRequestBatch _reading = new(); // of the handler, as the next
    private long _unreleased;
    private RpcEncoding _requestEncoding; // of the read loop

    /// <summary>What a reader that has to wait awaits.</summary>
    public short ArrivalVersion => _arrival.Version;

    /// <summary>Takes the body of a REQUEST or DATA. Read loop only.</summary>
    /// <param name="header">The frame header.</param>
    /// <param name="body">The body.</param>
    /// <param name="cost">The credit that it takes.</param>
    /// <param name="error">Why the connection must end, with false.</param>
    public bool TryReceive(scoped in RpcReceivedHeader header, in ReadOnlySequence<byte> body, long cost, out RpcGoAwayCode error)
    {
        error = RpcGoAwayCode.FlowControlError;
        if (cost > 0 && !_session.RequestCredit.TryReceive(_requestCredit, cost))
        {
            return false;
        }

        if (header.Encoding != RpcEncoding.None)
        {
            _requestEncoding = header.Encoding;
        }

        error = RpcGoAwayCode.ProtocolError;
        long released = cost;
        bool isWanted;
        lock (_requestLock)
        {
            isWanted = !_isClosed && !_isRequestOver && _requestFailure is null;
            if (isWanted && (header.Flags & RpcCallBits.NoMessage) == 0 && !TryTakeMessage(header, body, ref released))
            {
                return false;
            }

            if ((header.Flags & RpcCallBits.End) != 0 && !_isRequestOver)
            {
                _isRequestOver = true;
                EndWaiting(false);
            }
        }

        if (released > 0)
        {
            _session.RequestCredit.Release(_requestCredit, released, isWanted);
        }

        return true;
    }

    /// <summary>No more frames come, whether END has come or not. Read loop only.</summary>
    public void OnInputOver()
    {
        lock (_requestLock)
        {
            if (!_isRequestOver)
            {
                FailRequests(new RpcException(RpcStatusCode.Cancelled, "The caller has stopped sending before the end of its requests."));
            }
        }
    }

    /// <summary>Goes on to the next request. One reader at a time.</summary>
    /// <returns>Null if there is none yet: then <see cref="ArrivalVersion"/> is what to await.</returns>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public bool? MoveNext()
    {
        _cancelled.ThrowIfCancellationRequested();
        if (_reading.TryMoveNext())
        {
            return Count();
        }

        lock (_requestLock)
        {
            if (_isReading)
            {
                throw new InvalidOperationException("The reading before has not ended yet.");
            }

            if (!TryTakeArrived())
            {
                ThrowIfClosed();
                if (_isRequestOver)
                {
                    return false;
                }

                _arrival.Reset();
                _isReading = true;
            }
        }

        Release(0, least: 1);
        return _reading.TryMoveNext() ? Count() : null;
    }

    /// <summary>As <see cref="MoveNext"/>, when waiting has ended.</summary>
    public bool EndWaiting(short token)
    {
        if (!_arrival.GetResult(token))
        {
            return false;
        }

        lock (_requestLock)
        {
            if (!TryTakeArrived())
            {
                ThrowIfClosed(); // between the arrival and now
            }
        }

        return _reading.TryMoveNext() && Count();
    }

    /// <summary>The message that <see cref="MoveNext"/> has come to; valid until it is called again.</summary>
    public ref readonly RpcRequestBatch.Entry Current => ref _reading.Current;

    /// <summary>The bytes of <see cref="Current"/> with its attachment.</summary>
    public ReadOnlySequence<byte> CurrentBytes => _reading.CurrentBytes;

    public ValueTaskSourceStatus GetArrivalStatus(short token) => _arrival.GetStatus(token);

    public void OnArrival(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _arrival.OnCompleted(continuation, state, token, flags);

    /// <summary>Gives up waiting for a message, if the handler still does.</summary>
    public void GiveUpWaiting(CancellationToken cancellationToken)
    {
        lock (_requestLock)
        {
            EndWaiting(new OperationCanceledException(cancellationToken));
        }
    }

    private bool Count()
    {
        Shrink();
        if (_reading.Current.Collected is > 0 and long collected)
        {
            lock (_requestLock)
            {
                StopCollecting(ref _collected, collected);
            }
        }

        Release(_reading.Current.Cost, ReleasedAtOnce);
        return true;
    }

    private bool TryTakeArrived()
    {
        _reading.Clear();
        _hasUnread = _arriving.Count > 0;
        if (_hasUnread)
        {
            (_arriving, _reading) = (_reading, _arriving);
            return true;
        }

        // What is not whole yet must be let in now, or it could never be.
        _unreleased += _heldByPieces;
        _heldByPieces = 0;
        return false;
    }

    private void ThrowIfClosed()
    {
        if (_isClosed)
        {
            throw HasEnded();
        }

        switch (_requestFailure)
        {
            case null:
                return;
            case RpcException failure:
                throw new RpcException(failure.Status);
            default:
                throw new OperationCanceledException(_cancelled);
        }
    }

    // Of the reader: gathers what it has read until it is worth a frame.
    private void Release(long cost, long least)
    {
        _unreleased += cost;
        if (_unreleased >= least)
        {
            _session.RequestCredit.Release(_requestCredit, _unreleased);
            _unreleased = 0;
        }
    }

    // False if the pieces do not fit together. What is kept is not released.
    private bool TryTakeMessage(scoped in RpcReceivedHeader header, in ReadOnlySequence<byte> body, ref long released)
    {
        long cost = released;
        if (_assembly is not { IsUnderWay: true })
        {
            if (_session.FindFaultOfMessage(header, body.Length, _requestEncoding) is { } fault)
            {
                FailRequests(new RpcException(fault.Status));
                return true;
            }

            if ((header.Flags & RpcCallBits.More) == 0)
            {
                RpcEncoding encodingOfWhole = (header.Flags & RpcCallBits.Compressed) != 0 ? _requestEncoding : RpcEncoding.None;
                released = 0;
                Arrive(new RpcRequestBatch.Entry(null, (int)body.Length, (int)header.AttachmentLength, encodingOfWhole, cost, 0), body);
                return true;
            }

            _assembly ??= new RpcMessageAssembly(_session.MaxRequestLength);
            _collecting = header.MessageLength;
            _session.StartCollecting(_collecting);
        }

        switch (_assembly.Add(header, body, out RpcPooledMessage? message))
        {
            case RpcAssemblyResult.Incomplete:
                if (_arriving.Count > 0 || _hasUnread)
                {
                    // The handler is behind: granted when it has read those before, or any number of long messages could be sent.
                    _heldByPieces += cost;
                    released = 0;
                }

                return true;
            case RpcAssemblyResult.Complete:
                RpcEncoding encoding = message!.IsCompressed ? _requestEncoding : RpcEncoding.None;
                long collected = _collecting;
                _collected += collected;
                _collecting = 0;
                released = 0;
                Arrive(new RpcRequestBatch.Entry(message, (int)message.Length, (int)message.Attachment.Length, encoding, cost, collected), default);
                return true;
            case RpcAssemblyResult.TooLong:
                FailRequests(new RpcException(RpcStatusCode.ResourceExhausted, "A message is over the limit."));
                return true;
            default:
                StopCollecting();
                return false;
        }
    }

    private void Arrive(in RpcRequestBatch.Entry entry, in ReadOnlySequence<byte> body)
    {
        _arriving.Add(entry, body);
        EndWaiting(true);
    }

    // The waiting handler goes on elsewhere, so this may be done under the lock.
    private void EndWaiting(bool hasMessage)
    {
        if (_isReading)
        {
            _isReading = false;
            _arrival.SetResult(hasMessage);
        }
    }

    private void EndWaiting(Exception exception)
    {
        if (_isReading)
        {
            _isReading = false;
            _arrival.SetException(exception);
        }
    }

    // Those that have come before are read first. What comes now is not wanted.
    private void FailRequests(Exception exception)
    {
        lock (_requestLock)
        {
            exception = _requestFailure ??= Settle(exception);
            StopCollecting();
            EndWaiting(exception);
        }
    }

    private void StopCollecting()
    {
        _assembly?.Reset();
        StopCollecting(ref _collecting, _collecting);
    }

    private void StopCollecting(ref long collected, long length)
    {
        length = Math.Min(length, collected); // the stream may have ended meanwhile
        collected -= length;
        _session.StopCollecting(length);
    }

    private void EndRequests()
    {
        lock (_requestLock)
        {
            _isClosed = true;
            ShrinkInLock();
            StopCollecting();
            StopCollecting(ref _collected, _collected);
            _arriving.Clear();
            EndWaiting(HasEnded());
        }

        _session.RequestCredit.End(_requestCredit);
    }
}
