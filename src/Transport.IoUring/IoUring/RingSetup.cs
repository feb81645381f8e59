using Kestrel.Rpc.Transport.Native;
using static Kestrel.Rpc.Transport.Native.IoUringConstants;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// Creates the best ring the running kernel grants. Optional features step down one by one; without the necessary ones
/// (multishot receive and provided buffer rings, Linux 6.0) there is no ring.
/// </summary>
internal static unsafe class RingSetup
{
    // Requests of one loop iteration; a fuller iteration only costs one more system call.
    private const uint SubmissionEntries = 512;

    // Multishot requests complete many times each: twice the submissions, the kernel's default, overflows under load.
    private const uint CompletionEntries = 8192;

    private const uint NecessaryFeatures =
        IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_CQE_SKIP;

    private const uint CommonFlags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL;

    // Best first. DEFER_TASKRUN lets completions run in our own enter instead of interrupting the thread (6.1);
    // NO_SQARRAY spares the index array (6.6).
    private static readonly uint[] FlagSteps =
    [
        CommonFlags | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_NO_SQARRAY,
        CommonFlags | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
        CommonFlags | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
        CommonFlags | IORING_SETUP_COOP_TASKRUN,
        CommonFlags,
    ];

    /// <summary>Creates a ring for the calling thread.</summary>
    /// <param name="allowed">Setup flags that may be asked for; tests take some away to play an older kernel.</param>
    /// <exception cref="PlatformNotSupportedException">No usable io_uring; the message says why.</exception>
    public static Ring Create(uint allowed = uint.MaxValue)
    {
        Ring ring = Create(allowed, out IoUringParams parameters);
        try
        {
            uint missing = NecessaryFeatures & ~parameters.Features;
            if (missing != 0)
            {
                throw new PlatformNotSupportedException($"this kernel's io_uring lacks the features 0x{missing:x}");
            }

            // Multishot receive has no flag of its own to ask for; the zero-copy send came with it in Linux 6.0.
            if (!Supports(ring, IORING_OP_SEND_ZC))
            {
                throw new PlatformNotSupportedException("multishot receives need Linux 6.0");
            }

            return ring;
        }
        catch
        {
            ring.Dispose();
            throw;
        }
    }

    private static Ring Create(uint allowed, out IoUringParams parameters)
    {
        foreach (uint flags in FlagSteps)
        {
            if ((flags & ~allowed) != 0)
            {
                continue;
            }

            parameters = new IoUringParams { Flags = flags, CqEntries = CompletionEntries };
            int result;
            fixed (IoUringParams* asked = &parameters)
            {
                result = Libc.IoUringSetup(SubmissionEntries, asked);
            }

            if (result >= 0)
            {
                return new Ring(new DescriptorHandle(result), parameters);
            }

            if (result != -Errno.EINVAL)
            {
                throw new PlatformNotSupportedException(Refusal(-result));
            }
        }

        throw new PlatformNotSupportedException("this kernel's io_uring is too old");
    }

    /// <summary>What an error number of one of the three system calls means for the user.</summary>
    public static string Refusal(int error) => error switch
    {
        Errno.ENOSYS => "this kernel has no io_uring",
        Errno.EPERM => "io_uring is forbidden (kernel.io_uring_disabled, or the container's seccomp profile)",
        Errno.ENOMEM => "the limit of locked memory (RLIMIT_MEMLOCK) leaves no room for a ring",
        _ => $"io_uring failed: {SocketErrors.Message(error)}",
    };

    private static bool Supports(Ring ring, byte operation)
    {
        const int Count = 64;
        byte* memory = stackalloc byte[sizeof(IoUringProbeHeader) + (Count * sizeof(IoUringProbeOp))];
        new Span<byte>(memory, sizeof(IoUringProbeHeader) + (Count * sizeof(IoUringProbeOp))).Clear();
        int result = Libc.IoUringRegister(ring.Descriptor, IORING_REGISTER_PROBE, memory, Count);
        if (result < 0)
        {
            throw new PlatformNotSupportedException(Refusal(-result));
        }

        var header = (IoUringProbeHeader*)memory;
        var operations = (IoUringProbeOp*)(memory + sizeof(IoUringProbeHeader));
        return operation < header->OpsLength && (operations[operation].Flags & IO_URING_OP_SUPPORTED) != 0;
    }
}
