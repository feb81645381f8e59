using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>How what the handler has written leaves: in the role of the connection's writer, as far as there is credit.</remarks>
internal sealed partial class RpcCallStream
{
    // After so many bytes it is the turn of others.
    private const int BytesPerTurn = OutputQueue.BytesPerFlush;

    private RpcByteBuffer _draining = new(); // of the connection's writer, as the next
    private int _drainingCost;
    private int _drained;
    private RpcFault? _dropped; // why messages were dropped that the handler had written

    /// <summary>Writes what waits, as far as it may now. In the writer's role.</summary>
    /// <param name="output">Where it goes.</param>
    /// <param name="written">Bytes written.</param>
    /// <returns>True if all has left and the handler has ended, so that the RESPONSE is next; else the queue knows when to come again.</returns>
    public bool TryWriteAll(PipeWriter output, out int written)
    {
        written = 0;
        while (true)
        {
            if (_state.CancelledWith is { } code)
            {
                DropReplies(code, "The call was cancelled.");
            }

            if (_drained == _draining.Length && !TryTakeFilled(out bool hasEnded))
            {
                if (hasEnded)
                {
                    _call.Fault ??= _dropped;
                }

                return hasEnded;
            }

            if (written >= BytesPerTurn)
            {
                _session.Replies.WriteAgain(_call);
                return false;
            }

            if (!TryPay(out int length, out bool isOver))
            {
                if (isOver)
                {
                    if (_state.CancelledWith is not null)
                    {
                        continue; // a moment ago: nothing is waited for then either
                    }

                    DropReplies(RpcStatusCode.Unavailable, "The peer has stopped sending and cannot grant more of the replies.");
                    continue;
                }

                // From here on another thread may send it again.
                _session.Replies.Postpone();
                return false;
            }

            output.Write(_draining.Written.Slice(_drained, length));
            _drained += length;
            written += length;
            OnWritten(length);
        }
    }

    /// <summary>Nothing can be sent any more. In the writer's role.</summary>
    /// <returns>Whether the handler has ended, so that the call can.</returns>
    public bool OnDiscarded()
    {
        FailReplies(new RpcException(RpcStatusCode.Unavailable, "The connection has ended."));
        lock (_replyLock)
        {
            ForgetReplies();
            _isQueued = _hasHandlerEnded;
            if (!_hasHandlerEnded)
            {
                _session.Replies.Postpone();
            }

            return _hasHandlerEnded;
        }
    }

    private bool TryTakeFilled(out bool hasEnded)
    {
        _draining.Clear();
        _drained = 0;
        hasEnded = false;
        lock (_replyLock)
        {
            (_filling, _draining) = (_draining, _filling);
            _drainingCost = _fillingCost;
            _fillingCost = 0;
            if (_draining.Length > 0)
            {
                return true;
            }

            hasEnded = _hasHandlerEnded;
            if (!hasEnded)
            {
                _isQueued = false;
                _session.Replies.Postpone(); // still in the role: nobody else gets it before this returns
            }

            return false;
        }
    }

    // All of it, or the next frame.
    private bool TryPay(out int length, out bool isOver)
    {
        isOver = false;
        length = _draining.Length;
        if (_drained == 0 && length <= BytesPerTurn && _session.Credit.TryTakeWhole(_state, _drainingCost))
        {
            return true;
        }

        bool isFrame = RpcFrameHeader.TryParse(_draining.Written[_drained..], out RpcFrameHeader frame);
        Debug.Assert(isFrame, "The buffer has whole frames.");
        length = (int)frame.FrameLength;
        return frame.Type == RpcFrameType.Headers
            || _session.Credit.TryTakeWholeOrWait(_state, (int)RpcCredit.CostOf((int)frame.BodyLength), out isOver);
    }

    private void OnWritten(int bytes)
    {
        lock (_replyLock)
        {
            _waiting -= bytes;
            if (!_isWaitingForRoom || _waiting > MostWaiting / 2)
            {
                return;
            }

            _isWaitingForRoom = false;
        }

        _room.SetResult(true);
    }

    // In the writer's role.
    private void DropReplies(RpcStatusCode code, string why)
    {
        lock (_replyLock)
        {
            if (_waiting == 0)
            {
                return;
            }

            ForgetReplies();
        }

        _session.Credit.WakeNext(); // what they were to take is there for others
        _dropped = RpcFault.Of(code, why);
        FailReplies(code == RpcStatusCode.Unavailable ? new RpcException(code, why) : new OperationCanceledException(_cancelled));
    }

    private void ForgetReplies()
    {
        _filling.Clear();
        _draining.Clear();
        _fillingCost = _drainingCost = _drained = 0;
        _waiting = 0;
    }
}
