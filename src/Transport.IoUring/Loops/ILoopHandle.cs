namespace Kestrel.Rpc.Transport;

/// <summary>Something open on a loop, which must close before the loop can end.</summary>
internal interface ILoopHandle
{
    /// <summary>Ends it without waiting for its peer or its user; it unregisters itself when the kernel has let go of it.</summary>
    void AbortOnLoop();
}
