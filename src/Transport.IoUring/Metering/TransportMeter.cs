using System.Diagnostics.Metrics;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// The transports' meter. It reads, when somebody listens and asks, what the loops have counted anyway: nothing is recorded
/// for a request, a connection or a system call. One for all transports of a host.
/// </summary>
internal sealed class TransportMeter : IDisposable
{
    private readonly Meter _meter;
    private readonly Lock _lock = new();
    private MeteredLoop[] _loops = []; // replaced as a whole, under _lock

    /// <summary>Creates the instruments, with the host's meter factory if there is one.</summary>
    public TransportMeter(IMeterFactory? meters = null)
    {
        _meter = meters?.Create(TransportMetrics.MeterName) ?? new Meter(TransportMetrics.MeterName);
        _meter.CreateObservableUpDownCounter(
            TransportMetrics.Connections, () => Measure(loop => loop.Loop.ConnectionCount), "{connection}", "Connections that are open.");
        Counter(TransportMetrics.AcceptedConnections, "{connection}", "Connections accepted, by the loop that listens.", s => s.Accepted);
        Counter(TransportMetrics.RejectedConnections, "{connection}", "Connections accepted and closed at once.", s => s.Rejected);
        Counter(TransportMetrics.AcceptPauses, "{pause}", "How often accepting has paused: no descriptors or memory, or too many connections wait.", s => s.AcceptPauses);
        _meter.CreateObservableCounter(TransportMetrics.NetworkIo, MeasureBytes, "By", "Bytes that connections have received and sent.");
        Counter(TransportMetrics.Enters, "{call}", "System calls that hand over requests or ask for events.", s => s.Enters);
        Counter(TransportMetrics.Sleeps, "{wait}", "Those of them that might block.", s => s.Sleeps);
        Counter(TransportMetrics.Completions, "{completion}", "Completions or events taken from the kernel.", s => s.Completions);
        _meter.CreateObservableGauge(
            TransportMetrics.CompletionsPerEnter, () => Measure(loop => loop.TakeCompletionsPerEnter()), "{completion}",
            "Completions for each of those system calls since this was last asked for.");
        _meter.CreateObservableCounter(
            TransportMetrics.WakeUps, () => Measure(loop => loop.Loop.WakeUps), "{signal}", "How often another thread had to wake a loop that slept.");
        Counter(TransportMetrics.BufferStarvations, "{receive}", "Receives that the kernel ended because no buffer was left (io_uring).", s => s.BufferStarvations);
        Counter(TransportMetrics.Overflows, "{turn}", "Turns that found more completions than their queue holds; none is lost (io_uring).", s => s.Overflows);
        Counter(TransportMetrics.Losses, "{incident}", "How often the kernel lost completions, which ends the loop's connections (io_uring).", s => s.Losses);
    }

    /// <summary>Reports running loops from now on.</summary>
    public void Add(EventLoopGroup loops)
    {
        lock (_lock)
        {
            _loops = [.. _loops, .. loops.Metered.Select(loop => new MeteredLoop(loop))];
        }
    }

    /// <summary>Reports them no more.</summary>
    public void Remove(EventLoopGroup loops)
    {
        lock (_lock)
        {
            _loops = [.. _loops.Where(metered => !loops.Metered.Contains(metered.Loop))];
        }
    }

    /// <summary>Ends the instruments, unless they belong to the host's meter factory, which ends them itself.</summary>
    public void Dispose() => _meter.Dispose();

    private void Counter(string name, string unit, string description, Func<LoopStatistics, long> read) =>
        _meter.CreateObservableCounter(name, () => Measure(loop => read(loop.Loop.Statistics)), unit, description);

    private IEnumerable<Measurement<T>> Measure<T>(Func<MeteredLoop, T> read)
        where T : struct => _loops.Select(loop => new Measurement<T>(read(loop), loop.Tags));

    private IEnumerable<Measurement<long>> MeasureBytes() => _loops.SelectMany(loop => new[]
    {
        new Measurement<long>(loop.Loop.Statistics.BytesReceived, loop.ReceiveTags),
        new Measurement<long>(loop.Loop.Statistics.BytesSent, loop.SendTags),
    });
}
