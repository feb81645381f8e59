using Kestrel.Rpc.Middleware.Health;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The health of one service: the last result while it is fresh, else the one run of its checks that all who ask meanwhile wait for. Any thread.
/// </summary>
internal sealed class RpcServiceHealth(
    HealthCheckService checks, Func<HealthCheckRegistration, bool> predicate, TimeSpan freshFor, RpcServer server, CancellationToken stopping)
{
    private readonly Lock _lock = new();
    private Task<HealthCheckResponse.Types.ServingStatus>? _running; // under the lock, as the next two
    private Task<HealthCheckResponse.Types.ServingStatus>? _last;
    private long _lastAt;

    /// <summary>The status now, which is NOT_SERVING from the moment the host stops.</summary>
    /// <param name="cancellationToken">Ends the wait, not the checks.</param>
    public Task<HealthCheckResponse.Types.ServingStatus> GetAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (stopping.IsCancellationRequested)
            {
                return Task.FromResult(HealthCheckResponse.Types.ServingStatus.NotServing);
            }

            if (_last is not null && server.TimeProvider.GetElapsedTime(_lastAt) < freshFor)
            {
                return _last;
            }

            // Of no caller: the next one may have more time than the first.
            _running ??= RpcCallIsolation.StartApart(() => Task.Run(RunAsync, CancellationToken.None));
            return WaitAsync(_running, cancellationToken);
        }
    }

    // A check may hang, and not heed its token. What the host's stop means for health is known without it.
    private async Task<HealthCheckResponse.Types.ServingStatus> WaitAsync(
        Task<HealthCheckResponse.Types.ServingStatus> running, CancellationToken cancellationToken)
    {
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        try
        {
            return await running.WaitAsync(over.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return HealthCheckResponse.Types.ServingStatus.NotServing;
        }
    }

    private async Task<HealthCheckResponse.Types.ServingStatus> RunAsync()
    {
        HealthCheckResponse.Types.ServingStatus status = HealthCheckResponse.Types.ServingStatus.NotServing;
        try
        {
            HealthReport report = await checks.CheckHealthAsync(predicate, stopping).ConfigureAwait(false);
            if (report.Status != HealthStatus.Unhealthy)
            {
                status = HealthCheckResponse.Types.ServingStatus.Serving;
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The host stops, so it does not serve.
        }
        catch (Exception exception)
        {
            // Not a check, whose failures are in the report, but what makes them: a factory, or the predicate.
            Log.HealthChecksFailed(server.Logger, exception);
        }

        lock (_lock)
        {
            _last = Task.FromResult(status);
            _lastAt = server.TimeProvider.GetTimestamp();
            _running = null;
        }

        return status;
    }
}
