namespace Kestrel.Rpc.Transport;

/// <summary>Where the application's code runs when a connection has received bytes or may send again.</summary>
public enum ApplicationScheduling
{
    /// <summary>On the thread pool. Safe for every application: a handler that blocks delays only its own connection.</summary>
    ThreadPool,

    /// <summary>
    /// On the event loop's thread itself. Fastest, and only for handlers that never block: while one runs, every other
    /// connection of its loop waits.
    /// </summary>
    Inline,
}
