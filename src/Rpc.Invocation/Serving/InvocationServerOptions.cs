namespace Kestrel.Rpc.Invocation;

/// <summary>How an <see cref="InvocationServer{TArg, TRet}"/> receives. Read when the server is made.</summary>
public sealed class InvocationServerOptions
{
    /// <summary>
    /// How long a loop that finds no call looks again before it sleeps. <see cref="Timeout.InfiniteTimeSpan"/>: polling, it never sleeps, and no
    /// sender ever wakes it; that takes a processor. Default: zero.
    /// </summary>
    public TimeSpan SpinTime { get; set; }

    /// <summary>
    /// The most asynchronous handlers that one loop has started and that have not ended; a loop that has so many receives nothing until one of
    /// them ends. At least 1. Default: 1,024.
    /// </summary>
    public int MaxConcurrency { get; set; } = 1024;

    /// <summary>
    /// Told what a handler throws after its call was answered, on the handler's thread. By default such an exception is an event of the source
    /// <c>Kestrel.Rpc.Invocation</c>. It must not throw.
    /// </summary>
    public Action<Exception>? OnFault { get; set; }

    /// <summary>The clock of <see cref="SpinTime"/>. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
