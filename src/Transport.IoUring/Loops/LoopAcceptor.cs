namespace Kestrel.Rpc.Transport;

/// <summary>Accepts connections of one listening socket on one loop. Loop thread only.</summary>
internal abstract class LoopAcceptor
{
    /// <summary>Begins to accept, or begins again after <see cref="Pause"/>. A negated error number if the kernel refuses.</summary>
    public abstract int Resume();

    /// <summary>Leaves further connections in the kernel's backlog. A few already accepted may still be reported.</summary>
    public abstract void Pause();

    /// <summary>Stops for good; completes when the kernel no longer uses the descriptor, which the caller then closes.</summary>
    public abstract LoopOperation StopAsync();
}
