using Kestrel.Rpc.Transport.Native;
using static Kestrel.Rpc.Transport.Native.IoUringConstants;

namespace Kestrel.Rpc.Transport;

/// <remarks>
/// Bulk: a peer that fills one buffer of the ring after the other is read with plain receives, each straight into blocks of the
/// connection, until little comes again. They never wait in the kernel, so a silent connection holds no memory.
/// </remarks>
internal sealed unsafe partial class IoUringSocket
{
    private ReceiveMessage? _receiveMessage; // while a plain receive is under way
    private BulkDetector _bulk; // plain receives, as soon as the multishot one has ended

    /// <summary>Notes the size of one buffer's content; full ones end the multishot receive.</summary>
    private void LookForBulk(int received)
    {
        bool before = _bulk.IsBulk;
        _bulk.OnBuffer(isFull: received == IoUringLoop.BufferSize);
        if (_bulk.IsBulk && !before)
        {
            CancelReceive();
        }
    }

    private void ArmBulkReceive()
    {
        ReceiveMessage message = _loop.RentReceiveMessage();
        try
        {
            message.Fill(_input);
        }
        catch (Exception e)
        {
            _loop.ReturnReceiveMessage(message);
            FailMemory(e);
            return;
        }

        _receiveMessage = message;
        var request = new IoUringSqe
        {
            Opcode = IORING_OP_RECVMSG,
            Fd = Descriptor,
            Addr = (ulong)message.Header,
            Len = 1,
            OpFlags = Libc.MSG_DONTWAIT,
        };
        _loop.Submit(ref request, CompletionKind.Receive, _number);
        _receiveArmed = true;
    }

    private void OnBulkReceived(ReceiveMessage message, int result)
    {
        _receiveMessage = null;
        _receiveArmed = false;
        _receiveCanceling = false;
        int received = _receiveStopped ? 0 : Math.Max(result, 0);
        message.Empty(_input, received);
        _loop.ReturnReceiveMessage(message);
        _received += received;
        _bulk.OnBulk(result);
        if (result > 0 || result is -Errno.ECANCELED or -Errno.EINTR or -Errno.EAGAIN)
        {
            ReceiveAgain();
        }
        else
        {
            _receiveEnd ??= result;
        }
    }
}
