using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>An event loop that knows nothing of invocations: the kernel's epoll, as any program would use it.</summary>
internal sealed partial class Epoll : IDisposable
{
    public const uint Readable = 1;
    public const uint EdgeTriggered = 1u << 31;

    private readonly int _descriptor = Create(0);

    public Epoll() => Assert.True(_descriptor >= 0);

    public unsafe void Add(SafeHandle descriptor, uint events)
    {
        byte* change = stackalloc byte[16];
        *(uint*)change = events;
        Assert.Equal(0, Control(_descriptor, 1, (int)descriptor.DangerousGetHandle(), change));
    }

    /// <summary>Whether something is readable within the time, in milliseconds.</summary>
    public unsafe bool Wait(int milliseconds)
    {
        byte* events = stackalloc byte[16];
        int count = Wait(_descriptor, events, 1, milliseconds);
        Assert.InRange(count, -1, 1);
        return count == 1;
    }

    /// <summary>Reads an eventfd's counter, which the kernel adds up: how often it was written to since the last time. 0: never.</summary>
    public static unsafe long Take(SafeHandle eventFd)
    {
        long count = 0;
        return Read((int)eventFd.DangerousGetHandle(), &count, sizeof(long)) == sizeof(long) ? count : 0;
    }

    public void Dispose() => _ = Close(_descriptor);

    [LibraryImport("libc", EntryPoint = "epoll_create1")]
    private static partial int Create(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl")]
    private static unsafe partial int Control(int epoll, int operation, int descriptor, byte* change);

    [LibraryImport("libc", EntryPoint = "epoll_wait")]
    private static unsafe partial int Wait(int epoll, byte* events, int count, int timeout);

    [LibraryImport("libc", EntryPoint = "read")]
    private static unsafe partial nint Read(int descriptor, void* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
