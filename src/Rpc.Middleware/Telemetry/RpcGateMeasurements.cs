using System.Diagnostics.Metrics;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// What the limits of a server say of themselves when somebody asks: how many calls wait there, how many they have let in, how many that may be. Costs the calls nothing. Any thread.
/// </summary>
internal sealed class RpcGateMeasurements
{
    private readonly List<Source> _sources = [];
    private readonly Lock _lock = new();

    /// <summary>Adds a bound on calls that run at once.</summary>
    /// <param name="gate">The bound.</param>
    /// <param name="method">Whose it is; null if it is the server's.</param>
    public void Add(RpcConcurrencyGate gate, string? method) =>
        Add(new Source(Tags(method is null ? "server" : "method", method), () => gate.Waiting, () => gate.Running, () => gate.Limit));

    /// <summary>Adds the threads for methods that block.</summary>
    public void Add(RpcDedicatedThreads threads) => Add(new Source(Tags("dedicated", method: null), () => threads.Waiting, Admitted: null, Limit: null));

    public IEnumerable<Measurement<long>> Waiting() => Measure(source => source.Waiting());

    public IEnumerable<Measurement<long>> Admitted() => Measure(source => source.Admitted?.Invoke());

    public IEnumerable<Measurement<long>> Limits() => Measure(source => source.Limit?.Invoke() is { } limit and < int.MaxValue ? limit : null);

    private static KeyValuePair<string, object?>[] Tags(string scope, string? method) => method is null
        ? [new(RpcServerTelemetry.ScopeTag, scope)]
        : [new(RpcServerTelemetry.ScopeTag, scope), new(RpcServerTelemetry.MethodTag, method)];

    private void Add(Source source)
    {
        lock (_lock)
        {
            _sources.Add(source);
        }
    }

    private List<Measurement<long>> Measure(Func<Source, int?> measure)
    {
        lock (_lock)
        {
            return [.. _sources.Select(source => (Value: measure(source), source.Tags)).Where(pair => pair.Value is not null).Select(pair => new Measurement<long>(pair.Value!.Value, pair.Tags))];
        }
    }

    private sealed record Source(KeyValuePair<string, object?>[] Tags, Func<int> Waiting, Func<int>? Admitted, Func<int>? Limit);
}
