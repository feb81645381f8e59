namespace Kestrel.Rpc.Transport;

/// <remarks>
/// A lost completion of a receive names a buffer that nobody knows to be free. So after losses no receive begins until all those that
/// went before have ended, which they do at once, since their connections are aborted; then every buffer is free, and all are
/// offered anew.
/// </remarks>
internal sealed partial class IoUringLoop
{
    private readonly HashSet<IoUringSocket> _held = []; // sockets that begin to receive when the buffers are renewed
    private int _bufferReceives; // with the kernel
    private bool _buffersLost;

    /// <summary>Counts a receive into the loop's buffers. False: not now; <see cref="IoUringSocket.OnBuffersBack"/> tells when.</summary>
    public bool TryBeginBufferReceive(IoUringSocket socket)
    {
        if (_buffersLost)
        {
            _held.Add(socket);
            return false;
        }

        _bufferReceives++;
        return true;
    }

    /// <summary>One of them has ended: no completion of it will name a buffer.</summary>
    public void EndBufferReceive() => _bufferReceives--;

    private void RenewLostBuffersOnLoop()
    {
        if (!_buffersLost || _bufferReceives > 0)
        {
            return;
        }

        _buffersLost = false;
        try
        {
            _buffers!.Renew(_ring!);
        }
        catch (IOException e)
        {
            ReportFault(e); // no memory: what is left of the buffers has to do
        }

        IoUringSocket[] held = [.. _held];
        _held.Clear();
        Array.ForEach(held, socket => socket.OnBuffersBack());
    }
}
