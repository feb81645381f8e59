using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Http;

namespace Kestrel.Rpc.Middleware;

/// <summary>The limits of a server: puts together what the calls of each end point pass. Used when the host starts.</summary>
internal sealed class RpcGates
{
    // Bits of an int say which gates a call has entered; one is the server's, one the method's own.
    private const int MostRateLimiters = 24;

    private readonly RpcCallPriorities _priorities;
    private readonly TimeProvider _time;
    private readonly List<(RpcConcurrencyGate Gate, string Method)> _ofMethods = [];

    public RpcGates(RpcServerLimits limits, TimeProvider time)
    {
        _priorities = new RpcCallPriorities(limits.PriorityKey);
        _time = time;
        Server = limits.Calls.IsLimited ? new RpcConcurrencyGate(limits.Calls, _priorities, time) : null;
    }

    /// <summary>The bound on the calls of all connections; null without one.</summary>
    public RpcConcurrencyGate? Server { get; }

    /// <summary>Has every bound measured. Limiters of the application have statistics of their own.</summary>
    public void Tell(RpcGateMeasurements measurements)
    {
        if (Server is not null)
        {
            measurements.Add(Server, method: null);
        }

        foreach ((RpcConcurrencyGate gate, string method) in _ofMethods)
        {
            measurements.Add(gate, method);
        }
    }

    /// <summary>Puts the limits of an end point together.</summary>
    /// <returns>Null if there are none, so that its calls pass nothing.</returns>
    /// <exception cref="InvalidOperationException">There are too many.</exception>
    public RpcAdmission? CreateAdmission(RpcMethodName name, EndpointMetadataCollection metadata)
    {
        IReadOnlyList<RpcRateLimiterMetadata> limiters = metadata.GetOrderedMetadata<RpcRateLimiterMetadata>();
        if (limiters.Count > MostRateLimiters)
        {
            throw new InvalidOperationException($"The RPC method '{name}' has {limiters.Count} rate limiters; {MostRateLimiters} is the most.");
        }

        List<RpcGate> gates = [.. limiters.Select(limiter => limiter.Gate)];
        if (metadata.GetMetadata<RpcConcurrencyMetadata>() is { } concurrency)
        {
            RpcConcurrencyGate gate = new(concurrency.Options, _priorities, _time);
            _ofMethods.Add((gate, name.ToString()));
            gates.Add(gate);
        }

        if (Server is not null && metadata.GetMetadata<RpcUnlimitedMetadata>() is null)
        {
            gates.Add(Server);
        }

        return gates.Count == 0 ? null : new RpcAdmission([.. gates]);
    }
}
