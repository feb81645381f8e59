namespace Kestrel.Rpc.Transport;

/// <summary>A loop with the tags of its measurements.</summary>
internal sealed class MeteredLoop
{
    private readonly Lock _lock = new();
    private long _lastEnters; // guarded by _lock, like the next
    private long _lastCompletions;

    public MeteredLoop(IMeteredLoop loop)
    {
        Loop = loop;
        Tags =
        [
            new(TransportMetrics.EngineTag, loop.Mode!.Engine),
            new(TransportMetrics.ModeTag, loop.Mode.Wait),
            new(TransportMetrics.LoopTag, loop.Index),
        ];
        ReceiveTags = [.. Tags, new(TransportMetrics.DirectionTag, "receive")];
        SendTags = [.. Tags, new(TransportMetrics.DirectionTag, "transmit")];
    }

    public IMeteredLoop Loop { get; }

    public KeyValuePair<string, object?>[] Tags { get; }

    public KeyValuePair<string, object?>[] ReceiveTags { get; }

    public KeyValuePair<string, object?>[] SendTags { get; }

    /// <summary>Completions for each system call since the last time anybody asked; 0 if there was none.</summary>
    public double TakeCompletionsPerEnter()
    {
        lock (_lock)
        {
            LoopStatistics statistics = Loop.Statistics;
            (long enters, long completions) = (statistics.Enters, statistics.Completions);
            double perEnter = enters == _lastEnters ? 0 : (double)(completions - _lastCompletions) / (enters - _lastEnters);
            (_lastEnters, _lastCompletions) = (enters, completions);
            return perEnter;
        }
    }
}
