using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Transport.Native;

/// <summary>
/// The C library calls of the transport. Each returns what the kernel returned, or the negated error number: nothing here
/// throws, and <c>errno</c> is read nowhere else.
/// </summary>
internal static unsafe partial class Libc
{
    public static int Recv(int fd, byte* buffer, nuint length, int flags) => (int)Check(recv(fd, buffer, length, flags));

    public static int Send(int fd, byte* buffer, nuint length, int flags) => (int)Check(send(fd, buffer, length, flags));

    public static int SendMsg(int fd, MsgHdr* message, int flags) => (int)Check(sendmsg(fd, message, flags));

    public static int RecvMsg(int fd, MsgHdr* message, int flags) => (int)Check(recvmsg(fd, message, flags));

    public static int Socket(int family, int type, int protocol) => Check(socket(family, type, protocol));

    public static int Connect(int fd, byte* address, uint length) => Check(connect(fd, address, length));

    public static int Accept4(int fd, byte* address, uint* length, int flags) => Check(accept4(fd, address, length, flags));

    public static int GetPeerName(int fd, byte* address, uint* length) => Check(getpeername(fd, address, length));

    public static int GetSockName(int fd, byte* address, uint* length) => Check(getsockname(fd, address, length));

    public static int GetSockOpt(int fd, int level, int name, void* value, uint* length) => Check(getsockopt(fd, level, name, value, length));

    public static int SetSockOpt(int fd, int level, int name, void* value, uint length) => Check(setsockopt(fd, level, name, value, length));

    public static int Shutdown(int fd, int how) => Check(shutdown(fd, how));

    /// <summary>Closes the descriptor. Linux frees it even when the call is interrupted, so it is never repeated.</summary>
    public static int Close(int fd) => Check(close(fd));

    public static int GetFlags(int fd) => Check(fcntl(fd, F_GETFL, 0));

    public static int SetFlags(int fd, int flags) => Check(fcntl(fd, F_SETFL, flags));

    public static int EventFd(uint initial, int flags) => Check(eventfd(initial, flags));

    public static int Write(int fd, void* buffer, nuint length) => (int)Check(write(fd, buffer, length));

    public static int Read(int fd, void* buffer, nuint length) => (int)Check(read(fd, buffer, length));

    public static int EpollCreate1(int flags) => Check(epoll_create1(flags));

    public static int EpollCtl(int epoll, int operation, int fd, EpollEvent* change) => Check(epoll_ctl(epoll, operation, fd, change));

    public static int EpollWait(int epoll, EpollEvent* events, int count, int timeout) => Check(epoll_wait(epoll, events, count, timeout));

    public static int Poll(PollFd* descriptors, nuint count, int timeout) => Check(poll(descriptors, count, timeout));

    public static int Ioctl(int fd, nuint request, void* argument) => Check(ioctl(fd, request, argument));

    public static int SchedSetAffinity(int thread, nuint size, ulong* mask) => Check(sched_setaffinity(thread, size, mask));

    public static int SchedGetAffinity(int thread, nuint size, ulong* mask) => Check(sched_getaffinity(thread, size, mask));

    /// <summary>Maps memory; returns <see langword="null"/> and the negated error number when refused.</summary>
    public static byte* MMap(nuint length, int protection, int flags, int fd, long offset, out int error)
    {
        void* address = mmap(null, length, protection, flags, fd, offset);
        error = (nint)address == -1 ? -Marshal.GetLastPInvokeError() : 0;
        return error == 0 ? (byte*)address : null;
    }

    public static int MUnmap(void* address, nuint length) => Check(munmap(address, length));

    public static int IoUringSetup(uint entries, IoUringParams* parameters) =>
        (int)Check(syscall(SYS_io_uring_setup, (nint)entries, (nint)parameters, 0, 0, 0, 0));

    public static int IoUringEnter(int fd, uint submit, uint minComplete, uint flags) =>
        (int)Check(syscall(SYS_io_uring_enter, fd, (nint)submit, (nint)minComplete, (nint)flags, 0, 0));

    public static int IoUringRegister(int fd, uint operation, void* argument, uint count) =>
        (int)Check(syscall(SYS_io_uring_register, fd, (nint)operation, (nint)argument, (nint)count, 0, 0));

    private static nint Check(nint result) => result >= 0 ? result : -Marshal.GetLastPInvokeError();

    private static int Check(int result) => result >= 0 ? result : -Marshal.GetLastPInvokeError();

#pragma warning disable SA1300, IDE1006 // the C library's own names
    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int fd, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int fd, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendmsg(int fd, MsgHdr* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recvmsg(int fd, MsgHdr* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int family, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int connect(int fd, byte* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int accept4(int fd, byte* address, uint* length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getpeername(int fd, byte* address, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getsockname(int fd, byte* address, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getsockopt(int fd, int level, int name, void* value, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int fd, int level, int name, void* value, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int shutdown(int fd, int how);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);

    // Variadic in C. Linux passes integer arguments of variadic and ordinary functions alike, on x64 and on arm64.
    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int fd, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int fd, void* buffer, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int fd, void* buffer, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int fd, EpollEvent* change);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, EpollEvent* events, int count, int timeout);

    // Variadic in C, as fcntl is.
    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int fd, nuint request, void* argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sched_setaffinity(int thread, nuint size, ulong* mask);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sched_getaffinity(int thread, nuint size, ulong* mask);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollFd* descriptors, nuint count, int timeout);

    [LibraryImport("libc", SetLastError = true)]
    private static partial void* mmap(void* address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int munmap(void* address, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint a, nint b, nint c, nint d, nint e, nint f);
#pragma warning restore SA1300, IDE1006
}
