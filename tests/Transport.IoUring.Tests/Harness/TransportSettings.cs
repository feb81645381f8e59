using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>The options that all transports share, with their common defaults.</summary>
internal sealed record TransportSettings
{
    public long? MaxReadBufferSize { get; init; } = 1024 * 1024;

    public long? MaxWriteBufferSize { get; init; } = 64 * 1024;

    public int Backlog { get; init; } = 512;

    /// <summary>Our transports only.</summary>
    public int? MaxConnections { get; init; }

    public bool NoDelay { get; init; } = true;

    public bool FinOnError { get; init; }

    /// <summary>Whether the memory pool's blocks may be moved by the garbage collector, as a user's own pool's may.</summary>
    public bool UnpinnedPool { get; init; }

    public void ApplyTo(LinuxTransportOptions options)
    {
        options.MaxReadBufferSize = MaxReadBufferSize;
        options.MaxWriteBufferSize = MaxWriteBufferSize;
        options.Backlog = Backlog;
        options.MaxConnections = MaxConnections;
        options.NoDelay = NoDelay;
        options.FinOnError = FinOnError;
    }

    public void ApplyTo(SocketTransportOptions options)
    {
        options.MaxReadBufferSize = MaxReadBufferSize;
        options.MaxWriteBufferSize = MaxWriteBufferSize;
        options.Backlog = Backlog;
        options.NoDelay = NoDelay;
        SetFinOnError(options, FinOnError);
    }

    // Public only as an AppContext switch for the whole process.
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_FinOnError")]
    private static extern void SetFinOnError(SocketTransportOptions options, bool value);
}
