namespace Kestrel.Rpc.Transport;

internal sealed partial class ConnectionOutput
{
    private long _bytesSent; // guarded by Lock, like the next
    private long _sentAt;

    /// <summary>The bytes that the kernel has taken.</summary>
    public long BytesSent => Volatile.Read(ref _bytesSent);

    /// <summary>When it took the last of them, as a timestamp of the loop's clock; 0: never.</summary>
    public long SentAt => Volatile.Read(ref _sentAt);

    /// <summary>Under the lock.</summary>
    private void CountSent(long bytes, long now)
    {
        Volatile.Write(ref _bytesSent, _bytesSent + bytes);
        Volatile.Write(ref _sentAt, now);
    }
}
