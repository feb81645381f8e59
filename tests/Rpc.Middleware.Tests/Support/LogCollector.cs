using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware.Tests;

internal sealed record LogLine(string Category, LogLevel Level, int Id, string Message, Exception? Exception);

/// <summary>Keeps the log lines of a server, and lets a test wait for one.</summary>
internal sealed class LogCollector : ILoggerProvider
{
    private readonly ConcurrentQueue<LogLine> _lines = new();
    private volatile TaskCompletionSource _changed = NewSignal();

    /// <summary>The lines of the RPC server at every level.</summary>
    public IReadOnlyList<LogLine> Ours => [.. _lines.Where(line => line.Category == "Kestrel.Rpc.Server")];

    public IReadOnlyList<LogLine> All => [.. _lines];

    public void Clear() => _lines.Clear();

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    /// <summary>Waits until this library has logged the event so often, and returns all of its lines.</summary>
    public async Task<IReadOnlyList<LogLine>> WaitForAsync(int id, int count = 1)
    {
        while (true)
        {
            Task changed = _changed.Task;
            IReadOnlyList<LogLine> lines = Ours;
            if (lines.Count(line => line.Id == id) >= count)
            {
                return lines;
            }

            await changed.InTime();
        }
    }

    public void Dispose()
    {
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Add(LogLine line)
    {
        _lines.Enqueue(line);
        Interlocked.Exchange(ref _changed, NewSignal()).TrySetResult();
    }

    private sealed class Logger(LogCollector owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            owner.Add(new LogLine(category, logLevel, eventId.Id, formatter(state, exception), exception));
    }
}
