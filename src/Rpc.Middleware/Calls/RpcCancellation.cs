using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <summary>Cancels what handlers wait for. Their callbacks run on the thread pool: one that blocks or throws harms nobody else.</summary>
internal static class RpcCancellation
{
    /// <summary>
    /// Cancels a source. Returns when the token says so, not when the callbacks have run. Any thread: no code of the application runs on it.
    /// </summary>
    public static void Cancel(CancellationTokenSource source, ILogger logger, string connectionId)
    {
        Task callbacks = source.CancelAsync();
        if (!callbacks.IsCompletedSuccessfully)
        {
            _ = LogFailureAsync(callbacks, logger, connectionId);
        }
    }

    private static async Task LogFailureAsync(Task callbacks, ILogger logger, string connectionId)
    {
        try
        {
            await callbacks.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Handlers registered callbacks that throw.
            Log.CancellationFailed(logger, connectionId, exception);
        }
    }
}
