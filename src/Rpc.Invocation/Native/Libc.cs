using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Invocation.Native;

/// <summary>The C library calls of the library. Each returns what the kernel returned, or the negated error number; nothing here throws.</summary>
internal static unsafe partial class Libc
{
    public const int EFD_CLOEXEC = 0x80000;
    public const int EFD_NONBLOCK = 0x800;
    public const int EPOLL_CLOEXEC = 0x80000;
    public const int EPOLL_CTL_ADD = 1;
    public const int EPOLL_CTL_DEL = 2;
    public const uint EPOLLIN = 1;
    public const int EINTR = 4;
    public const int EAGAIN = 11;

    public static int EventFd(uint initial, int flags) => Check(eventfd(initial, flags));

    public static int Write(int fd, void* buffer, nuint length) => (int)Check(write(fd, buffer, length));

    public static int Read(int fd, void* buffer, nuint length) => (int)Check(read(fd, buffer, length));

    /// <summary>Linux frees the descriptor even when the call is interrupted, so it is never repeated.</summary>
    public static int Close(int fd) => Check(close(fd));

    public static int EpollCreate1(int flags) => Check(epoll_create1(flags));

    public static int EpollCtl(int epoll, int operation, int fd, EpollEvent* change) => Check(epoll_ctl(epoll, operation, fd, change));

    public static int EpollWait(int epoll, byte* events, int count, int timeout) => Check(epoll_wait(epoll, events, count, timeout));

    private static int Check(int result) => result < 0 ? -Marshal.GetLastPInvokeError() : result;

    private static nint Check(nint result) => result < 0 ? -Marshal.GetLastPInvokeError() : result;

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int fd, void* buffer, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int fd, void* buffer, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int fd, EpollEvent* change);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, byte* events, int count, int timeout);
}
