using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Benchmarks.Soak;

/// <summary>What happens while it runs: how calls ended, what is under way, what must not be. Also the server's log. Any thread.</summary>
internal sealed class Tally : ILoggerProvider, ILogger
{
    private const int MostFaultsKept = 20;

    private readonly ConcurrentDictionary<string, long> _ends = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _faults = new();
    private long _pending;
    private long _handlers;
    private long _streams;
    private long _connections;
    private int _faultCount;

    /// <summary>Calls of clients that have not ended.</summary>
    public ref long Pending => ref _pending;

    /// <summary>Handlers that run.</summary>
    public ref long Handlers => ref _handlers;

    /// <summary>Those of them that have streams.</summary>
    public ref long Streams => ref _streams;

    /// <summary>Connections that the server has.</summary>
    public ref long Connections => ref _connections;

    public long Ends => _ends.Values.Sum();

    /// <summary>How many things happened that must not.</summary>
    public int FaultCount => Volatile.Read(ref _faultCount);

    public IReadOnlyCollection<string> Faults => _faults;

    public IEnumerable<KeyValuePair<string, long>> EndsByKind => _ends.OrderBy(end => end.Key, StringComparer.Ordinal);

    public void Count(string end) => _ends.AddOrUpdate(end, 1, static (_, count) => count + 1);

    public void Fault(string fault)
    {
        if (Interlocked.Increment(ref _faultCount) <= MostFaultsKept)
        {
            _faults.Enqueue(fault);
        }
    }

    ILogger ILoggerProvider.CreateLogger(string categoryName) => this;

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    // The only errors of a handler that are meant have an id of their own.
    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel >= LogLevel.Error && exception is not MeantException)
        {
            Fault($"log {eventId.Id}: {formatter(state, exception)} {exception}");
        }
    }

    void IDisposable.Dispose()
    {
    }
}
