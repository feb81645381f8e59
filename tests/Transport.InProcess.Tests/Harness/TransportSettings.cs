namespace Kestrel.Rpc.Transport.Tests;

/// <summary>The options that the suite sets, as for every transport; the socket's own have no meaning here.</summary>
internal sealed record TransportSettings
{
    public long? MaxReadBufferSize { get; init; } = 1024 * 1024;

    public long? MaxWriteBufferSize { get; init; } = 64 * 1024;

    public int Backlog { get; init; } = 512;

    public bool NoDelay { get; init; } = true;

    public bool FinOnError { get; init; }

    /// <summary>Whether the memory pool's blocks may be moved by the garbage collector, as a user's own pool's may.</summary>
    public bool UnpinnedPool { get; init; }

    public void ApplyTo(InProcessTransportOptions options)
    {
        options.MaxReadBufferSize = MaxReadBufferSize;
        options.MaxWriteBufferSize = MaxWriteBufferSize;
        options.Backlog = Backlog;
        options.FinOnError = FinOnError;
    }
}
