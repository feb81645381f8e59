namespace Kestrel.Rpc.Invocation;

/// <summary>How an <see cref="InvocationLoop"/> behaves. Read when the loop is made.</summary>
public sealed class InvocationLoopOptions
{
    /// <summary>
    /// How long the loop looks at its sources again and again (<see cref="IReadySource.Poll"/>) before it sleeps in the kernel.
    /// <see cref="Timeout.InfiniteTimeSpan"/>: polling, it never sleeps and makes no system call. Default: zero.
    /// </summary>
    public TimeSpan SpinTime { get; set; }

    /// <summary>The most calls of one source before the others have their turn. At least 1. Default: 256.</summary>
    public int Budget { get; set; } = 256;

    /// <summary>The clock of <see cref="SpinTime"/>. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
