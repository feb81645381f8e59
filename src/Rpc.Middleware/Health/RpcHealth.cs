using Kestrel.Rpc.Middleware.Health;
using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kestrel.Rpc.Middleware;

/// <summary>Answers Check and Watch of gRPC's health checking protocol from the host's health checks. Any thread.</summary>
internal sealed class RpcHealth
{
    private readonly Dictionary<string, RpcServiceHealth> _services;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _time;
    private readonly CancellationToken _stopping;

    public RpcHealth(HealthCheckService checks, RpcHealthOptions options, RpcServer server)
    {
        _services = options.Services.ToDictionary(
            service => service.Key,
            service => new RpcServiceHealth(checks, service.Value, options.CacheDuration, server, server.StopBegins),
            StringComparer.Ordinal);
        _interval = options.WatchInterval;
        _time = server.TimeProvider;
        _stopping = server.StopBegins;
    }

    public async ValueTask<HealthCheckResponse> CheckAsync(HealthCheckRequest request, RpcContext context)
    {
        if (!_services.TryGetValue(request.Service, out RpcServiceHealth? service))
        {
            throw new RpcException(RpcStatusCode.NotFound, "There is no such service.");
        }

        return new HealthCheckResponse { Status = await service.GetAsync(context.CancellationToken) };
    }

    /// <summary>Says the status at once, and again when it has changed. When the host stops it says NOT_SERVING and ends, or nobody would stop waiting.</summary>
    public async ValueTask WatchAsync(HealthCheckRequest request, IRpcStreamWriter<HealthCheckResponse> replies, RpcContext context)
    {
        RpcServiceHealth? service = _services.GetValueOrDefault(request.Service);
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, _stopping);
        HealthCheckResponse.Types.ServingStatus? said = null;
        while (true)
        {
            bool isLast = _stopping.IsCancellationRequested;
            HealthCheckResponse.Types.ServingStatus status =
                isLast ? HealthCheckResponse.Types.ServingStatus.NotServing
                : service is null ? HealthCheckResponse.Types.ServingStatus.ServiceUnknown
                : await service.GetAsync(context.CancellationToken);
            if (status != said)
            {
                await replies.WriteAsync(new HealthCheckResponse { Status = status }, context.CancellationToken);
                said = status;
            }

            if (isLast)
            {
                return;
            }

            try
            {
                await Task.Delay(_interval, _time, ending.Token);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                // Said on the way round.
            }
        }
    }
}
