namespace Kestrel.Rpc.Middleware;

/// <summary>How many calls run at once, from the moment they are let in until their handler has ended; and what becomes of the others.</summary>
public sealed class RpcConcurrencyOptions
{
    /// <summary>
    /// How many calls run at once. Default <see langword="null"/>: no limit. 1 to 1,000,000. Beside <see cref="Adaptive"/> it is the most that this may choose.
    /// </summary>
    public int? MaxConcurrentCalls { get; set; }

    /// <summary>What becomes of a call at the bound. Default <see cref="RpcLimitPolicy.Reject"/>.</summary>
    public RpcLimitPolicy AtLimit { get; set; }

    /// <summary>How many calls may wait, with <see cref="RpcLimitPolicy.Wait"/>. Default 1,000; 1 to 1,000,000. Each holds its request message.</summary>
    public int MaxWaitingCalls { get; set; } = 1_000;

    /// <summary>
    /// Has the server find the bound itself, from the latency of the calls: as many as keep it busy, and no more. Default <see langword="null"/>: the bound is fixed.
    /// </summary>
    public RpcAdaptiveConcurrencyOptions? Adaptive { get; set; }

    /// <summary>Whether there is any bound.</summary>
    internal bool IsLimited => MaxConcurrentCalls is not null || Adaptive is not null;
}
