namespace Kestrel.Rpc.Benchmarks.Load.Workloads;

/// <summary>Where the application's code runs.</summary>
internal enum Scheduling
{
    /// <summary>On the thread pool, the default of every transport.</summary>
    Pool,

    /// <summary>On the transport's own thread.</summary>
    Inline,
}
