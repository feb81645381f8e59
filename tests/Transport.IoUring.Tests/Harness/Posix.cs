using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>What the tests need of the C library.</summary>
internal static partial class Posix
{
    public const int RLIMIT_NPROC = 6;
    public const int RLIMIT_NOFILE = 7;
    public const int SIGWINCH = 28;

    /// <summary>Throws for -1, else returns the value.</summary>
    public static int Check(int result) => result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError());

    [LibraryImport("libc", SetLastError = true)]
    public static partial int dup(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setrlimit(int resource, in Limit limit);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int getrlimit(int resource, out Limit limit);

    [LibraryImport("libc")]
    public static partial int geteuid();

    /// <summary>Changes the user of all threads.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static partial int setresuid(int real, int effective, int saved);

    /// <summary>Sends a signal to one thread of this process.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static partial int tgkill(int process, int thread, int signal);

    /// <summary>The C library's <c>struct rlimit</c>.</summary>
    public struct Limit
    {
        public ulong Soft;
        public ulong Hard;
    }
}
