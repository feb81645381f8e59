namespace Kestrel.Rpc.Benchmarks.Load.Fairness;

/// <summary>What one connection does beside those that are measured.</summary>
internal enum Disturbance
{
    /// <summary>Nothing: the measured connections are alone.</summary>
    None,

    /// <summary>It sends calls as fast as they are taken, and reads 256 bytes of the replies in 10 ms.</summary>
    SlowReader,

    /// <summary>It sends one message of 16 MiB after the other, in version 2, to a handler that does not parse it.</summary>
    LongMessage,

    /// <summary>It has made a call whose handler blocks its thread.</summary>
    StuckHandler,
}
