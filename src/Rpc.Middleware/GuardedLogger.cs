using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The application's logger, made safe. A provider may throw: a disk is full, or the text of a logged exception cannot be
/// made. Calls end on bare work items of the thread pool, where that would end the process. And nothing that a peer does fills a disk: of each event so many lines a
/// second are written, whoever causes them, and the next line says how many were held back. Any thread.
/// </summary>
/// <param name="logger">The logger.</param>
/// <param name="time">The clock that seconds are counted by.</param>
internal sealed class GuardedLogger(ILogger logger, TimeProvider time) : ILogger
{
    /// <summary>Lines of one event in a second.</summary>
    public const int MostPerSecond = 100;

    private readonly ConcurrentDictionary<int, RpcLogBudget> _budgets = []; // by event

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
        if (!IsOfTheHost(eventId.Id))
        {
            RpcLogBudget budget = _budgets.GetOrAdd(eventId.Id, static _ => new RpcLogBudget());
            if (!budget.TryTake(time, time.GetTimestamp(), MostPerSecond, out long heldBack))
            {
                return;
            }

            if (heldBack > 0)
            {
                Middleware.Log.LinesHeldBack(this, heldBack, eventId.Id, MostPerSecond);
            }
        }

        try
        {
            logger.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception)
        {
            // A lost line must not cost a call, a connection or the process; and the one place to report it has just failed.
        }
    }

    // No peer causes those: start-up, configuration. Or they have a bound of their own: the log of calls, for each method, and what this says itself.
    private static bool IsOfTheHost(int id) => id is < 10 or 73 or 81 or 82 or >= 92 and < 100;
}
