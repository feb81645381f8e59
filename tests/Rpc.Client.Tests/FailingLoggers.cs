using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Client.Tests;

/// <summary>A log that takes nothing, as a full disk does, once it is told to.</summary>
internal sealed class FailingLoggers : ILoggerFactory, ILogger
{
    public bool Fails { get; set; }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (Fails)
        {
            throw new IOException("No space left.");
        }
    }

    public void Dispose()
    {
    }
}
