namespace Kestrel.Rpc.Transport;

/// <remarks>Kept by the loop with plain stores; the clock is read once a turn, and only in turns that move bytes.</remarks>
internal sealed partial class TransportConnection : IConnectionStatisticsFeature
{
    private readonly long _startedAt; // timestamps of the loop's clock
    private long _bytesReceived;
    private long _receivedAt; // 0: never
    private long _countedDirectly; // loop thread only

    public long BytesReceived => Volatile.Read(ref _bytesReceived);

    public long BytesSent => _output.BytesSent;

    public DateTimeOffset? LastReceived
    {
        get
        {
            long at = Volatile.Read(ref _receivedAt);
            return at == 0 ? null : _loop.TimeProvider.GetUtcNow() - _loop.TimeProvider.GetElapsedTime(at);
        }
    }

    public TimeSpan IdleTime =>
        _loop.TimeProvider.GetElapsedTime(Math.Max(_startedAt, Math.Max(Volatile.Read(ref _receivedAt), _output.SentAt)));

    /// <summary>
    /// Adds what was received, and what other threads have sent since the last call: they do not touch the loop's counters.
    /// </summary>
    private void CountOnLoop(int received)
    {
        if (received > 0)
        {
            Volatile.Write(ref _bytesReceived, _bytesReceived + received);
            Volatile.Write(ref _receivedAt, _loop.TimestampOnLoop());
        }

        long sentDirectly = _output.SentDirectly;
        LoopStatistics statistics = _loop.Statistics;
        statistics.BytesReceived += received;
        statistics.BytesSent += sentDirectly - _countedDirectly;
        _countedDirectly = sentDirectly;
    }
}
