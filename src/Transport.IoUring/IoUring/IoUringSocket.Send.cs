using System.Buffers;
using System.Diagnostics;
using Kestrel.Rpc.Transport.Native;
using static Kestrel.Rpc.Transport.Native.IoUringConstants;

namespace Kestrel.Rpc.Transport;

internal sealed unsafe partial class IoUringSocket
{
    private readonly LoopOperation _send = new();
    private bool _sendArmed;
    private bool _sendPending;
    private ReadOnlySequence<byte> _unsent;
    private SendMessage? _sendMessage; // holds the memory while a send is under way

    public override bool IsSending => _sendPending;

    public override LoopOperation SendAsync(in ReadOnlySequence<byte> buffer)
    {
        Debug.Assert(!_sendPending, "One send at a time.");
        _sendPending = true;
        _unsent = buffer;
        if (_canceled)
        {
            CompleteSend(-Errno.ECANCELED);
        }
        else
        {
            ArmSend();
        }

        return _send;
    }

    private void OnSent(int result)
    {
        _sendArmed = false;
        ReleaseSendMemory();
        if (_canceled)
        {
            CompleteSend(-Errno.ECANCELED);
        }
        else if (result > 0 || result is -Errno.EINTR or -Errno.EAGAIN)
        {
            _unsent = _unsent.Slice(Math.Max(result, 0));
            if (_unsent.IsEmpty)
            {
                CompleteSend(0);
            }
            else
            {
                ArmSend();
            }
        }
        else
        {
            CompleteSend(result);
        }
    }

    private void ArmSend()
    {
        try
        {
            SubmitSend();
        }
        catch (Exception e)
        {
            MemoryFault = e; // memory of the user's own kind that cannot be pinned
            ReleaseSendMemory();
            CompleteSend(-Errno.ENOMEM);
        }
    }

    private void SubmitSend()
    {
        var request = new IoUringSqe
        {
            Fd = Descriptor,
            OpFlags = Libc.MSG_NOSIGNAL | Libc.MSG_WAITALL, // the kernel itself waits for room, up to the last byte
        };
        _sendMessage = _loop.RentMessage();
        if (_unsent.IsSingleSegment)
        {
            request.Opcode = IORING_OP_SEND;
            request.Addr = (ulong)_sendMessage.Fill(_unsent.First);
            request.Len = (uint)_unsent.First.Length;
        }
        else
        {
            _sendMessage.Fill(_unsent);
            request.Opcode = IORING_OP_SENDMSG;
            request.Addr = (ulong)_sendMessage.Header;
            request.Len = 1;
        }

        _loop.Submit(ref request, CompletionKind.Send, _number);
        _sendArmed = true;
    }

    private void ReleaseSendMemory()
    {
        if (_sendMessage is { } message)
        {
            _sendMessage = null;
            message.Release();
            _loop.ReturnMessage(message);
        }
    }

    private void CompleteSend(int result)
    {
        _sendPending = false;
        _unsent = default;
        _send.Complete(result);
    }
}
