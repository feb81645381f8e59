namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The threads for methods with <see cref="RpcScheduling.Dedicated"/>: all those methods share them. They are started with the host if there is
/// such a method, and end when the host is disposed of.
/// </summary>
public sealed class RpcDedicatedOptions
{
    /// <summary>
    /// How many threads: that many calls can block at once. Default: 4 for each processor, since calls are given to them because they wait;
    /// 1 to 1,024.
    /// </summary>
    public int ThreadCount { get; set; } = Math.Min(4 * Environment.ProcessorCount, 1_024);

    /// <summary>
    /// How many calls of all connections may wait for a thread. A call beyond that is refused: not processed, RESOURCE_EXHAUSTED in version 2,
    /// SERVER in version 1. Default 1,000; 1 to 1,000,000.
    /// </summary>
    public int MaxWaitingCalls { get; set; } = 1_000;
}
