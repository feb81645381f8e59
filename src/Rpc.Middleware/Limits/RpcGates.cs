using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Http;

namespace Kestrel.Rpc.Middleware;

/// <summary>The limits of a server: puts together what the calls of each end point pass. Used when the host starts.</summary>
internal sealed class RpcGates
{
    // Bits of an int say which gates a call has entered; four are the connection's, the authentication's, the method's own and the server's.
    private const int MostRateLimiters = 24;

    private readonly RpcCallPriorities _priorities;
    private readonly TimeProvider _time;
    private readonly RpcConnectionGate? _ofConnections;
    private RpcAuthenticationGate? _verifying; // of all methods that the server's bound holds for
    private readonly List<(RpcConcurrencyGate Gate, string Method)> _ofMethods = [];

    public RpcGates(RpcServerLimits limits, TimeProvider time)
    {
        _priorities = new RpcCallPriorities(limits.PriorityKey);
        _time = time;
        Server = limits.Calls.IsLimited ? new RpcConcurrencyGate(limits.Calls, _priorities, time, RpcGateKind.OfServer) : null;
        _ofConnections = limits.CallsPerConnection.IsLimited ? new RpcConnectionGate(limits.CallsPerConnection, _priorities, time) : null;
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
    /// <param name="name">The method.</param>
    /// <param name="metadata">What was demanded for it.</param>
    /// <param name="authentication">Who says who makes its calls; null if nobody does.</param>
    /// <returns>Null if there are none, so that its calls pass nothing.</returns>
    /// <exception cref="InvalidOperationException">There are too many.</exception>
    public RpcAdmission? CreateAdmission(RpcMethodName name, EndpointMetadataCollection metadata, RpcCallAuthentication? authentication = null)
    {
        IReadOnlyList<RpcRateLimiterMetadata> limiters = metadata.GetOrderedMetadata<RpcRateLimiterMetadata>();
        if (limiters.Count > MostRateLimiters)
        {
            throw new InvalidOperationException($"The RPC method '{name}' has {limiters.Count} rate limiters; {MostRateLimiters} is the most.");
        }

        RpcConcurrencyGate? server = metadata.GetMetadata<RpcUnlimitedMetadata>() is null ? Server : null;
        List<RpcGate> gates = [.. limiters.Select(limiter => limiter.Gate)];
        if (authentication is not null && gates.Exists(gate => gate.NeedsRequest))
        {
            // Limiters that look at the call may ask for its user. Those that do not come first: they bound what is verified.
            RpcGate verifying = server is null ? new RpcAuthenticationGate(authentication, null) : _verifying ??= new RpcAuthenticationGate(authentication, server);
            gates = [.. gates.Where(gate => !gate.NeedsRequest), verifying, .. gates.Where(gate => gate.NeedsRequest)];
        }

        if (_ofConnections is not null)
        {
            gates.Insert(0, _ofConnections);
        }

        if (metadata.GetMetadata<RpcConcurrencyMetadata>() is { } concurrency)
        {
            RpcConcurrencyGate gate = new(concurrency.Options, _priorities, _time, RpcGateKind.OfMethod);
            _ofMethods.Add((gate, name.ToString()));
            gates.Add(gate);
        }

        if (server is not null)
        {
            gates.Add(server);
        }

        return gates.Count == 0 ? null : new RpcAdmission([.. gates]);
    }
}
