namespace Kestrel.Rpc.Transport;

/// <summary>
/// Whether a socket receives so much that many blocks at a time pay, decided by what came before. A few bytes now and then take one
/// block, or none.
/// </summary>
internal struct BulkDetector
{
    // Full buffers in a row after which the next bytes are taken to be many too: 32 KiB in blocks of 4 KiB.
    private const int FullBuffersToBulk = 8;

    // A bulk receive of less was not worth its blocks.
    private const int MinBulkReceive = 16 * 1024;

    private int _fullBuffers; // received in a row

    /// <summary>Whether the next receive is a bulk one.</summary>
    public bool IsBulk { get; private set; }

    /// <summary>Notes what a receive into one buffer brought.</summary>
    public void OnBuffer(bool isFull)
    {
        _fullBuffers = isFull ? _fullBuffers + 1 : 0;
        IsBulk |= _fullBuffers == FullBuffersToBulk;
    }

    /// <summary>Notes what a bulk receive brought: bytes, or a negated error number.</summary>
    public void OnBulk(int received)
    {
        if (received < MinBulkReceive)
        {
            IsBulk = false; // the next bytes are waited for, and may be few
            _fullBuffers = 0;
        }
    }
}
