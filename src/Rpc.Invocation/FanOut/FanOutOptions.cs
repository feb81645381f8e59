namespace Kestrel.Rpc.Invocation;

/// <summary>How a <see cref="FanOut{TArg, TRet}"/> behaves. Read when it is made.</summary>
public sealed class FanOutOptions
{
    /// <summary>The most calls that wait for one back end; rounded up to a power of two, at least 2. Default: 256.</summary>
    public int QueueCapacity { get; set; } = 256;

    /// <summary>
    /// Whether a back end that has nothing to do takes calls that wait for another one. Without it a call stays with the back end that it was
    /// given to. Default: true.
    /// </summary>
    public bool Stealing { get; set; } = true;

    /// <summary>
    /// Whether a call for which no queue has room fails with <see cref="InvocationRejectedException"/>. Otherwise whoever hands it in waits, and so
    /// takes less from its own source. Default: false.
    /// </summary>
    public bool RejectsWhenFull { get; set; }

    /// <summary>
    /// Told what a back end throws after its call was answered. By default such an exception is an event of the source
    /// <c>Kestrel.Rpc.Invocation</c>. It must not throw.
    /// </summary>
    public Action<Exception>? OnFault { get; set; }
}
