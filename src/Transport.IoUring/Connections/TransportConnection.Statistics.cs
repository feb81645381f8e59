namespace Kestrel.Rpc.Transport;

/// <remarks>Kept by the loop with plain stores; the clock is read once a turn, and only in turns that move bytes.</remarks>
internal sealed partial class TransportConnection : IConnectionStatisticsFeature
{
    private long _bytesReceived;
    private long _bytesSent;
    private long _receivedAt; // loop's timestamp; 0: never
    private long _activeAt; // the same for both directions, from the start

    public long BytesReceived => Volatile.Read(ref _bytesReceived);

    public long BytesSent => Volatile.Read(ref _bytesSent);

    public DateTimeOffset? LastReceived
    {
        get
        {
            long at = Volatile.Read(ref _receivedAt);
            return at == 0 ? null : _loop.TimeProvider.GetUtcNow() - _loop.TimeProvider.GetElapsedTime(at);
        }
    }

    public TimeSpan IdleTime => _loop.TimeProvider.GetElapsedTime(Volatile.Read(ref _activeAt));

    private void CountReceivedOnLoop(int bytes)
    {
        long now = _loop.TimestampOnLoop();
        Volatile.Write(ref _bytesReceived, _bytesReceived + bytes);
        Volatile.Write(ref _receivedAt, now);
        Volatile.Write(ref _activeAt, now);
    }

    private void CountSentOnLoop(long bytes)
    {
        Volatile.Write(ref _bytesSent, _bytesSent + bytes);
        Volatile.Write(ref _activeAt, _loop.TimestampOnLoop());
    }
}
