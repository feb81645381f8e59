using Kestrel.Rpc.Transport.Native;
using static Kestrel.Rpc.Transport.Native.IoUringConstants;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// Creates the best ring the running kernel grants. Optional features step down one by one; without the necessary ones
/// (multishot receive and provided buffer rings, Linux 6.0) there is no ring.
/// </summary>
internal static unsafe class RingSetup
{
    // Submissions: the requests of one loop iteration; a fuller iteration only costs one more system call. Completions:
    // multishot requests complete many times each, so twice the submissions, the kernel's default, overflows under load.
    // The smaller ones are for users with little lockable memory (a full ring locks about 200 KiB).
    private static readonly (uint Submissions, uint Completions)[] Sizes = [(512, 8192), (256, 2048), (128, 1024)];

    // The kernel gives the locked memory of a closed ring back some milliseconds later: a restart must not lose to its own past.
    private const int MemoryAttempts = 5;
    private static readonly TimeSpan MemoryDelay = TimeSpan.FromMilliseconds(20);

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

    // With a kernel thread that takes the requests, completions run there: nothing to defer, nothing to interrupt.
    private static readonly uint[] SubmissionPollingSteps =
    [
        CommonFlags | IORING_SETUP_SQPOLL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_NO_SQARRAY,
        CommonFlags | IORING_SETUP_SQPOLL | IORING_SETUP_SINGLE_ISSUER,
        CommonFlags | IORING_SETUP_SQPOLL,
    ];

    /// <summary>Creates a ring for the calling thread.</summary>
    /// <exception cref="PlatformNotSupportedException">No usable io_uring, or none as asked for; the message says why.</exception>
    public static Ring Create(RingRequest request)
    {
        Ring ring = Create(request, out IoUringParams parameters);
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

    private static Ring Create(RingRequest request, out IoUringParams parameters)
    {
        foreach ((uint submissions, uint completions) in Sizes)
        {
            for (int attempt = 0; attempt < MemoryAttempts; attempt++)
            {
                int result = TrySetup(request, submissions, completions, out parameters);
                if (result >= 0)
                {
                    return new Ring(new DescriptorHandle(result), parameters);
                }

                if (result != -Errno.ENOMEM)
                {
                    throw new PlatformNotSupportedException(
                        result == -Errno.EINVAL ? TooOld(request) : Refusal(-result));
                }

                using var never = new ManualResetEventSlim();
                never.Wait(MemoryDelay);
            }
        }

        throw new PlatformNotSupportedException(Refusal(Errno.ENOMEM));
    }

    /// <summary>The descriptor of the best ring, or a negated error number: EINVAL if every step was refused so.</summary>
    private static int TrySetup(RingRequest request, uint submissions, uint completions, out IoUringParams parameters)
    {
        int result = -Errno.EINVAL;
        parameters = default;
        foreach (uint flags in Steps(request).Where(flags => (flags & ~request.AllowedFlags) == 0))
        {
            parameters = new IoUringParams
            {
                Flags = flags,
                CqEntries = completions,
                SqThreadIdle = (uint)(request.SubmissionPolling?.TotalMilliseconds ?? 0),
                SqThreadCpu = (uint)(request.SubmissionProcessor ?? 0),
            };
            fixed (IoUringParams* asked = &parameters)
            {
                result = Libc.IoUringSetup(submissions, asked);
            }

            if (result != -Errno.EINVAL)
            {
                break;
            }
        }

        return result;
    }

    private static IEnumerable<uint> Steps(RingRequest request)
    {
        if (request.SubmissionPolling is not null)
        {
            uint affinity = request.SubmissionProcessor is null ? 0 : IORING_SETUP_SQ_AFF;
            return SubmissionPollingSteps.Select(flags => flags | affinity);
        }

        const uint Deferred = IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN;
        return request.AnnouncesCompletions
            ? FlagSteps.Select(flags => (flags & Deferred) != 0 ? flags | IORING_SETUP_TASKRUN_FLAG : flags)
            : FlagSteps;
    }

    private static string TooOld(RingRequest request) => request.SubmissionPolling is null
        ? "this kernel's io_uring is too old"
        : "this kernel's io_uring refuses a thread that polls the submission queue";

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
