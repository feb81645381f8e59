namespace Kestrel.Rpc.Middleware;

/// <summary>How a source of network calls behaves. Read when the source is made.</summary>
public sealed class RpcSourceOptions
{
    /// <summary>The most calls that wait to be received; rounded up to a power of two, at least 2, at most 2^30. Default: 1,024.</summary>
    public int Capacity { get; set; } = 1024;

    /// <summary>
    /// Whether a call that finds no room is refused with <c>RESOURCE_EXHAUSTED</c>, as not processed. Default <see langword="false"/>: it waits for
    /// room as long as its caller waits. It counts among the calls of its connection meanwhile, so
    /// <see cref="RpcServerLimits.MaxConcurrentCallsPerConnection"/> bounds those that wait.
    /// </summary>
    public bool RejectsWhenFull { get; set; }

    /// <summary>
    /// Whether what comes after the reply (the rest of middleware and filters, writing the reply) may run on the thread that replies. It saves the
    /// thread pool's time, and lets slow middleware or a slow connection hold up a loop that serves the source. Default <see langword="false"/>.
    /// </summary>
    public bool ContinuesInline { get; set; }
}
