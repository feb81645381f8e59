using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Forbids this process io_uring for good, as the default profile of containers does.</summary>
internal static unsafe partial class Seccomp
{
    private const int SetNoNewPrivileges = 38;
    private const uint SetModeFilter = 1;
    private const uint AllThreads = 1; // SECCOMP_FILTER_FLAG_TSYNC

    private const ushort LoadWord = 0x20; // BPF_LD | BPF_W | BPF_ABS
    private const ushort JumpIfGreaterOrEqual = 0x35; // BPF_JMP | BPF_JGE | BPF_K
    private const ushort Return = 0x06; // BPF_RET | BPF_K
    private const uint Allow = 0x7fff0000;
    private const uint FailWithEperm = 0x00050000 | 1;

    /// <summary>Forbids the system calls of these numbers: 425 sets up, 426 enters, 427 registers.</summary>
    public static void ForbidIoUring(uint first = 425, uint last = 427)
    {
        // nr = data.nr; if (nr >= first && nr < last + 1) EPERM
        Instruction* filter = stackalloc Instruction[]
        {
            new Instruction { Code = LoadWord, K = 0 },
            new Instruction { Code = JumpIfGreaterOrEqual, IfFalse = 2, K = first },
            new Instruction { Code = JumpIfGreaterOrEqual, IfTrue = 1, K = last + 1 },
            new Instruction { Code = Return, K = FailWithEperm },
            new Instruction { Code = Return, K = Allow },
        };
        var program = new FilterProgram { Length = 5, Filter = filter };
        Assert.Equal(0, prctl(SetNoNewPrivileges, 1, 0, 0, 0));
        nint number = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 317 : 277;
        Assert.Equal(0, syscall(number, SetModeFilter, AllThreads, &program));
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nint a, nint b, nint c, nint d);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nuint operation, nuint flags, FilterProgram* program);

    private struct Instruction // struct sock_filter
    {
        public ushort Code;
        public byte IfTrue;
        public byte IfFalse;
        public uint K;
    }

    private struct FilterProgram // struct sock_fprog
    {
        public ushort Length;
        public Instruction* Filter;
    }
}
