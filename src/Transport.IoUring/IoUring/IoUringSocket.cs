using System.Buffers;
using System.Diagnostics;
using Kestrel.Rpc.Transport.Native;
using static Kestrel.Rpc.Transport.Native.IoUringConstants;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// A socket with one multishot receive that fills buffers of the loop's ring (plain ones for bulk: <c>.Bulk</c>), and one send at a
/// time (<c>.Send</c>).
/// </summary>
internal sealed unsafe partial class IoUringSocket : LoopSocket, IIoUringOwner
{
    private readonly IoUringLoop _loop;
    private readonly LoopOperation _receive = new();
    private LoopOperation? _close; // from CloseAsync on

    private ConnectionInput _input = null!; // set by StartOnLoop
    private ulong _number;
    private bool _registered;
    private bool _canceled;
    private bool _closing;
    private bool _closed;

    private bool _receiveArmed; // the kernel has the request
    private bool _receiveCanceling; // and has been asked to end it
    private bool _receivePaused;
    private bool _receiveStopped;
    private bool _receivePending; // the connection waits for bytes
    private int _received; // bytes advanced into the input that the connection does not know of yet
    private int? _receiveEnd; // how the peer's stream ended: 0 or a negated error number

    public IoUringSocket(IoUringLoop loop, int descriptor)
        : base(descriptor) => _loop = loop;

    public override int StartOnLoop(ConnectionInput input)
    {
        _input = input;
        _number = _loop.AddOwner(this);
        _registered = true;
        ReceiveAgain(); // unless cancelled already
        return 0;
    }

    public override LoopOperation ReceiveAsync()
    {
        Debug.Assert(!_receivePending, "One receive at a time.");
        _receivePending = true;
        ReportReceived();
        if (_bulk.IsBulk && _receivePending)
        {
            ReceiveAgain();
            ReportReceived(); // there may have been no memory for it
        }

        return _receive;
    }

    public override void PauseReceiving()
    {
        _receivePaused = true;
        CancelReceive();
    }

    public override void ResumeReceiving()
    {
        _receivePaused = false;
        ReceiveAgain();
    }

    public override void StopReceiving()
    {
        _receiveStopped = true;
        CancelReceive();
    }

    public override void Cancel()
    {
        if (_canceled)
        {
            return;
        }

        _canceled = true;
        StopReceiving();
        if (_sendArmed)
        {
            // Completes with the kernel's answer, not before: until then it reads the caller's memory.
            _loop.SubmitCancel(CompletionKind.Send, _number);
        }

        if (_receivePending)
        {
            CompleteReceive(-Errno.ECANCELED);
        }
    }

    public override LoopOperation CloseAsync()
    {
        _closing = true;
        _close = new LoopOperation();
        FinishClose();
        return _close;
    }

    public void OnCompletion(CompletionKind kind, in IoUringCqe completion)
    {
        if (kind == CompletionKind.Receive)
        {
            OnReceived(completion);
        }
        else
        {
            OnSent(completion.Result);
        }

        if (_closing)
        {
            FinishClose();
        }
    }

    public void CheckRequests()
    {
        if (_receiveArmed)
        {
            _loop.SubmitCheck(CompletionKind.Receive, _number);
        }

        if (_sendArmed)
        {
            _loop.SubmitCheck(CompletionKind.Send, _number);
        }
    }

    public void OnGone(CompletionKind kind)
    {
        if (kind == CompletionKind.Receive ? _receiveArmed : _sendArmed)
        {
            OnCompletion(kind, new IoUringCqe { Result = -Errno.ECANCELED });
        }
    }

    /// <summary>Receives again after there was no buffer for it.</summary>
    public void OnBuffersBack()
    {
        ReceiveAgain();
        if (_receivePending)
        {
            ReportReceived(); // there may have been no memory for it either
        }
    }

    /// <summary>Gives the kernel a receive if it should have one and has none.</summary>
    private void ReceiveAgain()
    {
        if (_receiveArmed || _receivePaused || _receiveStopped || _receiveEnd is not null)
        {
            return;
        }

        if (!_bulk.IsBulk)
        {
            ArmReceive();
        }
        else if (_receivePending && _received == 0)
        {
            ArmBulkReceive(); // else when the connection asks for more: one receive ahead is enough
        }
    }

    private void OnReceived(in IoUringCqe completion)
    {
        int result = completion.Result;
        if (_receiveMessage is { } message)
        {
            OnBulkReceived(message, result);
        }
        else
        {
            OnBufferReceived(completion, result);
        }

        if (_receivePending)
        {
            ReportReceived();
        }
    }

    private void OnBufferReceived(in IoUringCqe completion, int result)
    {
        if ((completion.Flags & IORING_CQE_F_BUFFER) != 0)
        {
            var buffer = (ushort)(completion.Flags >> IORING_CQE_BUFFER_SHIFT);
            if (result > 0 && !_receiveStopped)
            {
                Store(_loop.Buffers.Bytes(buffer, result));
                LookForBulk(result);
            }

            _loop.Buffers.Return(buffer);
        }

        if ((completion.Flags & IORING_CQE_F_MORE) == 0)
        {
            _receiveArmed = false;
            _receiveCanceling = false;
            _loop.EndBufferReceive();
            if (result == -Errno.ENOBUFS)
            {
                _loop.ReceiveWhenBuffersAreBack(this);
            }
            else if (result > 0 || result is -Errno.ECANCELED or -Errno.EINTR or -Errno.EAGAIN)
            {
                ReceiveAgain();
            }
            else
            {
                _receiveEnd ??= result;
            }
        }
    }

    private void Store(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _input.Write(bytes);
            _received += bytes.Length;
        }
        catch (Exception e)
        {
            FailMemory(e);
        }
    }

    /// <summary>The pool is the user's. Bytes are lost, so no later ones may follow: the connection ends with what it threw.</summary>
    private void FailMemory(Exception fault)
    {
        MemoryFault = fault;
        _receiveEnd = -Errno.ENOMEM;
        StopReceiving();
    }

    /// <summary>Completes the pending receive if there is something to tell: first the bytes, then how they ended.</summary>
    private void ReportReceived()
    {
        if (_canceled)
        {
            CompleteReceive(-Errno.ECANCELED);
        }
        else if (_received > 0)
        {
            int received = _received;
            _received = 0;
            CompleteReceive(received);
        }
        else if (_receiveEnd is { } end)
        {
            CompleteReceive(end);
        }
    }

    private void ArmReceive()
    {
        if (!_loop.TryBeginBufferReceive(this))
        {
            return;
        }

        var request = new IoUringSqe
        {
            Opcode = IORING_OP_RECV,
            Flags = IOSQE_BUFFER_SELECT,
            IoPrio = IORING_RECV_MULTISHOT,
            Fd = Descriptor,
            BufGroup = _loop.Buffers.Group,
        };
        _loop.Submit(ref request, CompletionKind.Receive, _number);
        _receiveArmed = true;
    }

    private void CancelReceive()
    {
        if (_receiveArmed && !_receiveCanceling)
        {
            _receiveCanceling = true;
            _loop.SubmitCancel(CompletionKind.Receive, _number);
        }
    }

    private void CompleteReceive(int result)
    {
        _receivePending = false;
        _receive.Complete(result);
    }

    private void FinishClose()
    {
        if (_receiveArmed || _sendArmed || _closed)
        {
            return; // comes back with the last completion
        }

        _closed = true;

        if (_registered)
        {
            _loop.RemoveOwner(_number);
        }

        _ = Libc.Close(Descriptor);
        _close!.Complete(0);
    }
}
