namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What carries the bytes of a test server.</summary>
public enum TransportKind
{
    Sockets,
    Epoll,
    IoUring,
}

public static class Transports
{
    public static TheoryData<TransportKind> All => new(Enum.GetValues<TransportKind>());
}
