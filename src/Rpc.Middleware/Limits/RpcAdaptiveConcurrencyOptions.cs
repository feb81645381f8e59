namespace Kestrel.Rpc.Middleware;

/// <summary>How the bound of an adaptive limit is found; see <c>docs/rpc-server.md</c>, "Adaptive concurrency".</summary>
public sealed class RpcAdaptiveConcurrencyOptions
{
    /// <summary>The bound before anything was measured. Default 40; 1 to 1,000,000.</summary>
    public int InitialLimit { get; set; } = 40;

    /// <summary>The bound is never below this, so that a server whose calls have become slow goes on. Default 1; 1 to 1,000,000.</summary>
    public int MinLimit { get; set; } = 1;

    /// <summary>
    /// How often the shortest latency is measured anew under load, with the bound lowered for a moment so that nothing queues. At first sooner: 1 s after the first load, and then after 2 s, 4 s and so on. Default 10 s; 1 s to 1 h.
    /// </summary>
    public TimeSpan RemeasureInterval { get; set; } = TimeSpan.FromSeconds(10);
}
