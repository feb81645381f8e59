using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The application's logger, made safe. A provider may throw: a disk is full, or the text of a logged exception cannot be
/// made. Calls end on bare work items of the thread pool, where that would end the process. And lines that any peer can cause are
/// bounded, or peers could fill the disk: those of one event, of all connections, to <see cref="MostLines"/> a second.
/// </summary>
internal sealed class GuardedLogger(ILogger logger, TimeProvider time) : ILogger
{
    /// <summary>Enough to see who it is, and some 20 KB a second.</summary>
    internal const int MostLines = 100;

    // What peers do to connections, and calls that are refused. What handlers do is told every time.
    private static readonly int[] EventsOfPeers = [10, 11, 20, 22, 23, 24, 26, 30, 31, 40, 42, 60, 61, 62, 63, 72];

    private readonly RpcLogBudget?[] _budgets =
        [.. Enumerable.Range(0, EventsOfPeers.Max() + 1).Select(id => EventsOfPeers.Contains(id) ? new RpcLogBudget() : null)];

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
        RpcLogBudget? budget = (uint)eventId.Id < (uint)_budgets.Length ? _budgets[eventId.Id] : null;
        if (budget is not null)
        {
            if (!budget.TryTake(time, time.GetTimestamp(), MostLines, out long suppressed))
            {
                return;
            }

            if (suppressed > 0)
            {
                Middleware.Log.LinesLeftOut(this, suppressed, eventId.Id);
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
}
