namespace Kestrel.Rpc.Benchmarks.Load.Client.Loops;

/// <summary>A closed loop of requests: a reply is answered by the next request.</summary>
internal interface ILoadLoop : IDisposable
{
    /// <summary>Connects every connection and sends its first requests.</summary>
    void Start(int port);

    /// <summary>Keeps the loop going for a phase.</summary>
    /// <param name="end">When it ends, in ticks of the stopwatch.</param>
    /// <param name="tally">Counts the replies of this phase.</param>
    void RunUntil(long end, Tally tally);
}
