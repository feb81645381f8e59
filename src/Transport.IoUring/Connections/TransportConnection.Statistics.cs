namespace Kestrel.Rpc.Transport;

internal sealed partial class TransportConnection
{
    private long _countedDirectly; // loop thread only

    /// <summary>
    /// Adds what was received, and what other threads have sent since the last call: they do not touch the loop's counters.
    /// </summary>
    private void CountOnLoop(int received)
    {
        long sentDirectly = _output.SentDirectly;
        LoopStatistics statistics = _loop.Statistics;
        statistics.BytesReceived += received;
        statistics.BytesSent += sentDirectly - _countedDirectly;
        _countedDirectly = sentDirectly;
    }
}
