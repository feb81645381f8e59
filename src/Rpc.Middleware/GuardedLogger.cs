using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The application's logger, made safe. A provider may throw: a disk is full, or the text of a logged exception cannot be
/// made. Calls end on bare work items of the thread pool, where that would end the process.
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
            // As in Log.
            return false;
        }
    }

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            logger.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception)
        {
            // A lost line must not cost a call, a connection or the process; and the one place to report it has just failed.
        }
    }
}
