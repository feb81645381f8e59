using System.Buffers;
using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections.Features;

namespace Kestrel.Rpc.Middleware;

/// <content>The read loop. Its fields belong to it alone.</content>
internal sealed partial class RpcServerConnection
{
    // How much one turn takes before others get the thread: frames, of which one with a long body counts for one more in 256 bytes. About 0.1 ms
    // if all are calls that run in place, and 128 KiB of long messages.
    internal const int FramesPerTurn = 512;
    private const int BytesPerFrame = 256;

    private readonly int _maxConcurrentCalls;
    private RpcFrameRules _rules; // of all versions until the first frame, then of its version
    private bool _isVersionKnown;
    private long _started; // calls, and frames of the connection that were sent
    private long _receivedAt;
    private long _examined;
    private long _discardable;
    private int _framesOfTurn; // since reading last had to wait
    private bool _isInputOver; // its end was seen, or it was asked for after reading had ended

    private enum Progress
    {
        Started,
        NeedMore,
        Paused,
        Unverified,
        Refused,
    }

    // In version 1. In version 2 calls may wait for frames of their caller, so reading never stops for their number.
    private bool IsAtCapacity => Version2 is null && _started - Replies.Finished >= _maxConcurrentCalls;

    private bool HasCapacity => !IsAborted && !Replies.IsFlushing && !IsAtCapacity && !_isInPlace;

    /// <summary>Takes a call for a request that was read. Read loop only, as everything that follows here.</summary>
    public RpcCall StartCall(uint id)
    {
        _started++;
        RpcCall call = Calls.Rent();
        call.Start(id, _receivedAt);
        return call;
    }

    /// <summary>Notes that the thread is given up.</summary>
    public void OnReadPending() => _framesOfTurn = 0;

    /// <summary>Has the read loop look at what has changed. Any thread.</summary>
    public void WakeReading() => _input.CancelPendingRead();

    /// <summary>Sends a frame of the connection.</summary>
    public void SendControl(RpcControlItem item)
    {
        _started++;
        Reply(item);
    }

    private async Task ReadAsync()
    {
        while (HasCapacity || await WaitForCapacityAsync())
        {
            if (_isStopping && (IsDraining || Version2 is not null) && !GoesOnDraining())
            {
                return;
            }

            if (_framesOfTurn >= FramesPerTurn)
            {
                // The peer sends as fast as its calls are started. Others have waited long enough for this thread.
                OnReadPending();
                StartLast();
                await Task.Yield();
            }

            ReadResult result = IsDraining ? await ReadOrDrainAsync() : await new RpcHandOff(this, _input.ReadAsync());
            ReadOnlySequence<byte> buffer = result.Buffer;
            _isInputOver = result.IsCompleted;
            if (IsAborted)
            {
                _input.AdvanceTo(buffer.Start, buffer.End);
                return;
            }

            long lengthBefore = buffer.Length;
            Progress progress = StartCalls(ref buffer);
            bool hasFrame = buffer.Length != lengthBefore;
            if (hasFrame)
            {
                Volatile.Write(ref _framedAt, _receivedAt);
            }

            switch (progress)
            {
                case Progress.NeedMore:
                    if (result.IsCompleted && !buffer.IsEmpty)
                    {
                        Log.TruncatedFrame(Logger, Connection.ConnectionId, buffer.Length);
                    }

                    _examined = buffer.Length;
                    NoteWaiting(buffer.Length, hasFrame);
                    _input.AdvanceTo(buffer.Start, buffer.End);
                    if (result.IsCompleted)
                    {
                        return;
                    }

                    break;
                case Progress.Paused:
                    NotePaused();

                    // There may be whole frames left, so the next read must not wait for more bytes.
                    _examined = 0;
                    _input.AdvanceTo(buffer.Start);
                    break;
                case Progress.Unverified:
                    NotePaused();
                    _examined = 0;
                    _input.AdvanceTo(buffer.Start);
                    if (!await VerifyAsync())
                    {
                        return;
                    }

                    break;
                case Progress.Refused:
                    // Nobody wants the rest.
                    _input.AdvanceTo(buffer.End);
                    return;
            }

            if (result.IsCanceled)
            {
                if (EndIfWatched())
                {
                    return;
                }

                Version2?.EndLateCalls();
                EndBatch();
            }

            if (_isStopping && progress == Progress.NeedMore)
            {
                // A peer of version 1 could not be told, so what it has sent until now is still done.
                BeginDraining();
            }
        }
    }

    // False if reading is over. Reading stops while the transport takes no output, and while too many calls are in flight.
    private async ValueTask<bool> WaitForCapacityAsync()
    {
        StartLast();
        NotePaused();
        bool isProbed = false;
        while (!IsAborted)
        {
            if (HasCapacity)
            {
                return true;
            }

            if (_isTransportClosed && !isProbed)
            {
                isProbed = true;
                ProbeInput();
            }

            await Replies.WaitAsync(_isInPlace ? long.MaxValue : IsAtCapacity ? _started - _maxConcurrentCalls + 1 : 0);
        }

        return false;
    }

    // The transport is closed while this loop does not read. If all is over, calls that wait for that must be told, or their
    // places would never get free; if the peer has only ended its sending, it still gets its replies. TryRead throws in the
    // first case. A TLS stream does not tell without a real read, and half-closed TLS connections are rare.
    private void ProbeInput()
    {
        if (Connection.Features.Get<ITlsHandshakeFeature>() is not null)
        {
            throw new IOException("The connection was closed under TLS.");
        }

        if (_input.TryRead(out ReadResult result))
        {
            SequencePosition examined = result.Buffer.GetPosition(Math.Min(_examined, result.Buffer.Length));
            _input.AdvanceTo(result.Buffer.Start, examined);
        }
    }

    private Progress StartCalls(ref ReadOnlySequence<byte> buffer)
    {
        Progress progress;
        _receivedAt = Server.TimeProvider.GetTimestamp();
        IsObserved = Server.Observer.IsOn;
        do
        {
            progress = IsAtCapacity || _isInPlace || _batch == Batch.Blocked || _framesOfTurn >= FramesPerTurn ? Progress.Paused : StartNext(ref buffer);
            _framesOfTurn++;
        }
        while (progress == Progress.Started);

        EndBatch();
        return progress;
    }

    private Progress StartNext(ref ReadOnlySequence<byte> buffer)
    {
        if (_isSpecial && StartSpecial(ref buffer) is { } progress)
        {
            return progress;
        }

        RpcFrameReadStatus status = RpcFrameReader.TryRead(ref buffer, _rules, out RpcFrame frame, out RpcFrameError error);
        if (status == RpcFrameReadStatus.NeedMore)
        {
            return Progress.NeedMore;
        }

        _framesOfTurn += (int)(frame.Header.BodyLength / BytesPerFrame);
        if (!_isVersionKnown)
        {
            SetVersion(status == RpcFrameReadStatus.Frame ? frame.Header : error.Header);
        }

        if (status == RpcFrameReadStatus.Frame && (Version2 is null ? OnVersion1Frame(frame) : Version2.OnFrame(frame)))
        {
            return Progress.Started;
        }

        if (status == RpcFrameReadStatus.Error)
        {
            Refuse(error);
            _discardable = error.HasHeader ? Math.Clamp(error.Header.FrameLength - buffer.Length, 0, MaxDiscarded) : 0;
        }

        if (Version2 is not null)
        {
            // The peer goes on for a moment; and nobody waits for the replies any more.
            _discardable = MaxDiscarded;
            CancelCalls();
        }

        return Progress.Refused;
    }

    // A version that is not served is answered as version 1, which every client can tell from its own.
    private void SetVersion(RpcFrameHeader header)
    {
        _isVersionKnown = true;
        if (header.Version == RpcFrameHeader.Version2)
        {
            _rules = _rules.For(RpcFrameHeader.Version2);
            Version2 = new RpcVersion2Session(this);
            if (IsDraining)
            {
                Version2.SayGoodbye(Stopping);
            }
        }
        else
        {
            _rules = _rules.For(RpcFrameHeader.Version1);
        }

        CountIn();
    }

    private void Refuse(in RpcFrameError error)
    {
        if (Version2 is not null)
        {
            Version2.Refuse(error);
        }
        else
        {
            RefuseVersion1(error.HasHeader ? error.Header : null, error.Describe());
        }
    }
}
