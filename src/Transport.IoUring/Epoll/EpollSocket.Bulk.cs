using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <remarks>
/// Bulk: a peer that fills one block after the other is read into many blocks with one system call, until little comes again.
/// </remarks>
internal sealed unsafe partial class EpollSocket
{
    private BulkDetector _bulk;

    /// <summary>Receives into blocks of the input, and adds them to it. Bytes, or a negated error number.</summary>
    private int ReceiveBulk()
    {
        ReceiveMessage message = _loop.ReceiveMessage;
        try
        {
            message.Fill(_input);
        }
        catch (Exception e)
        {
            MemoryFault = e; // the pool is the user's; the connection ends with what it threw
            return -Errno.ENOMEM;
        }

        int result;
        do
        {
            result = Libc.RecvMsg(Descriptor, message.Header, Libc.MSG_DONTWAIT);
        }
        while (result == -Errno.EINTR);

        message.Empty(_input, Math.Max(result, 0));
        if (result >= 0)
        {
            _bulk.OnBulk(result); // nothing there is no sign of little: no memory waits for it
            _readable = result == message.Capacity || _neverShort;
        }

        _receivesInTurn = MaxReceivesPerTurn; // as many bytes as that many single receives bring
        return result;
    }
}
