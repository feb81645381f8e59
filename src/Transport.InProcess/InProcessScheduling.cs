namespace Kestrel.Rpc.Transport;

/// <summary>Where code runs that waits for the other side of an in-process connection.</summary>
public enum InProcessScheduling
{
    /// <summary>On the thread pool. Safe for every application: code that blocks delays nobody but itself.</summary>
    ThreadPool,

    /// <summary>
    /// Within the other side's flush, on its thread. Fastest, and only for code that never blocks: the server's handler runs
    /// as a part of the client's flush, and what the client does with the reply as a part of the server's.
    /// </summary>
    Inline,
}
