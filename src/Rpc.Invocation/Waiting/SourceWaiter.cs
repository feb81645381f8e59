namespace Kestrel.Rpc.Invocation;

/// <summary>
/// Somebody who wants to know when a source has something: armed with <see cref="IReadiness.Arm"/>, signalled once, then armed again.
/// It can be armed in one place at a time.
/// </summary>
public abstract class SourceWaiter
{
    /// <summary>The list the waiter stands in. Written under its lock.</summary>
    internal WaiterList? List { get; set; }

    internal SourceWaiter? Next { get; set; }

    internal SourceWaiter? Previous { get; set; }

    /// <summary>
    /// There may be something now. Called on the thread of a sender, under a lock of the source: it only passes the word on (completes a wait,
    /// sets an event, writes to a descriptor), takes little time, does not call the source, and does not throw.
    /// </summary>
    protected internal abstract void OnReady();
}
