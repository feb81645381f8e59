namespace Kestrel.Rpc.Transport;

/// <summary>What the meter reads, from any thread: a loop, or all loops of a transport together.</summary>
internal interface IMeteredLoop
{
    /// <summary>The number in the measurements' tags.</summary>
    int Index { get; }

    /// <summary>What it runs on; set when it has started.</summary>
    LoopMode? Mode { get; }

    int ConnectionCount { get; }

    /// <summary>How often other threads had to wake it with a system call.</summary>
    long WakeUps { get; }

    LoopStatistics Statistics { get; }
}
