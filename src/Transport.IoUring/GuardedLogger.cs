using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// The user's logger, where whatever it throws ends: a log line is written in the middle of accepting, closing or
/// resynchronising, and must not leave them half done. Any thread.
/// </summary>
internal sealed class GuardedLogger(ILogger logger) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => logger.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return logger.IsEnabled(logLevel);
        }
        catch (Exception)
        {
            return false; // there is nobody to tell: faults are told to the logger
        }
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            logger.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception)
        {
            // As above: the line is lost.
        }
    }
}
