namespace Kestrel.Rpc.Client;

/// <summary>How a connection ends.</summary>
internal enum CloseManner
{
    /// <summary>With FIN if no call is under way, else as <see cref="Reset"/>.</summary>
    WhenIdle,

    /// <summary>At once: what is queued is not sent.</summary>
    Reset,

    /// <summary>What is queued is sent, then FIN, whatever is under way: the peer is told why.</summary>
    LastWords,
}
