namespace Kestrel.Rpc.Benchmarks.Load.Client;

/// <summary>A closed loop of requests on one thread.</summary>
internal interface ILoadLoop : IDisposable
{
    /// <summary>Connects every connection and sends its first requests.</summary>
    void Start(int port);

    /// <summary>Keeps the loop going until the time, in ticks of the stopwatch.</summary>
    void RunUntil(long end);
}
