namespace Kestrel.Rpc.Transport;

/// <summary>Something open on a loop, which must close before the loop can end.</summary>
internal interface ILoopHandle
{
    /// <summary>Where it stands in <see cref="LoopHandles"/>, which alone uses it.</summary>
    int Place { get; set; }

    /// <summary>Ends it without waiting for its peer or its user; it unregisters itself when the kernel has let go of it.</summary>
    void AbortOnLoop();
}
