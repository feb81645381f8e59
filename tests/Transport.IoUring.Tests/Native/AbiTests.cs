using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kestrel.Rpc.Transport.Native;
using KernelCalls = Kestrel.Rpc.Transport.Native.Libc;

namespace Kestrel.Rpc.Transport.Tests.Native;

/// <summary>Every constant and every struct of Native/ against the headers of the machine's kernel.</summary>
public sealed class AbiTests
{
    // Not in the headers of Debian 12 (6.1): shown by RingTests on the running kernel instead.
    private static readonly string[] NewerThanHeaders =
    [
        nameof(IoUringConstants.IORING_SETUP_NO_SQARRAY),
        nameof(IoUringConstants.IORING_REGISTER_NAPI), // NetworkPollingTests, like the following
        nameof(IoUringConstants.IORING_UNREGISTER_NAPI),
        nameof(KernelCalls.EPIOCSPARAMS),
        nameof(KernelCalls.EPIOCGPARAMS),
    ];

    // Where the headers say it in another way.
    private static readonly Dictionary<string, string> Spelling = new()
    {
        [nameof(IoUringConstants.IORING_CQE_BUFFER_SHIFT)] = "(IORING_CQE_BUFFER_SHIFT)",
        [nameof(KernelCalls.SockAddrStorageSize)] = "sizeof(struct sockaddr_storage)",
    };

    [Fact]
    public async Task Constants_ComparedWithHeaders_AreEqual()
    {
        KernelHeaders.RequireCompiler();
        FieldInfo[] constants = new[] { typeof(KernelCalls), typeof(Errno), typeof(IoUringConstants) }
            .SelectMany(type => type.GetFields(BindingFlags.Public | BindingFlags.Static))
            .Where(field => field.IsLiteral && !NewerThanHeaders.Contains(field.Name))
            .ToArray();
        Assert.True(constants.Length > 70, "Reflection found the constants.");

        Dictionary<string, long> headers = await KernelHeaders.EvaluateAsync(constants.Select(InC));

        Assert.All(constants, field => Assert.Equal(
            (field.Name, headers[InC(field)]),
            (field.Name, Convert.ToInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture))));
    }

    public static TheoryData<string, string, string> Structs => new()
    {
        { nameof(IoUringSqe), "struct io_uring_sqe", "Opcode=opcode Flags=flags IoPrio=ioprio Fd=fd Off=off Addr=addr Len=len OpFlags=msg_flags UserData=user_data BufGroup=buf_group" },
        { nameof(IoUringCqe), "struct io_uring_cqe", "UserData=user_data Result=res Flags=flags" },
        { nameof(IoSqRingOffsets), "struct io_sqring_offsets", "Head=head Tail=tail RingMask=ring_mask RingEntries=ring_entries Flags=flags Dropped=dropped Array=array" },
        { nameof(IoCqRingOffsets), "struct io_cqring_offsets", "Head=head Tail=tail RingMask=ring_mask RingEntries=ring_entries Overflow=overflow Cqes=cqes Flags=flags" },
        { nameof(IoUringParams), "struct io_uring_params", "SqEntries=sq_entries CqEntries=cq_entries Flags=flags SqThreadCpu=sq_thread_cpu SqThreadIdle=sq_thread_idle Features=features WqFd=wq_fd Reserved=resv SqOff=sq_off CqOff=cq_off" },
        { nameof(IoUringBuf), "struct io_uring_buf", "Addr=addr Len=len Bid=bid" },
        { nameof(IoUringBufReg), "struct io_uring_buf_reg", "RingAddr=ring_addr RingEntries=ring_entries Bgid=bgid" },
        { nameof(IoUringProbeOp), "struct io_uring_probe_op", "Op=op Flags=flags" },
        { nameof(IoUringProbeHeader), "struct io_uring_probe", "LastOp=last_op OpsLength=ops_len" },
        { nameof(IoVec), "struct iovec", "Base=iov_base Length=iov_len" },
        { nameof(MsgHdr), "struct msghdr", "Name=msg_name NameLength=msg_namelen IoVec=msg_iov IoVecLength=msg_iovlen Control=msg_control ControlLength=msg_controllen Flags=msg_flags" },
        { nameof(PollFd), "struct pollfd", "Fd=fd Events=events Revents=revents" },
        { nameof(Linger), "struct linger", "OnOff=l_onoff Seconds=l_linger" },
    };

    [Theory]
    [MemberData(nameof(Structs))]
    public async Task Struct_ComparedWithHeaders_HasItsSizeAndOffsets(string name, string inC, string fields)
    {
        KernelHeaders.RequireCompiler();
        Type type = typeof(KernelCalls).Assembly.GetType($"Kestrel.Rpc.Transport.Native.{name}", throwOnError: true)!;
        (string Ours, string Theirs)[] pairs = fields.Split(' ').Select(pair => pair.Split('=')).Select(p => (p[0], p[1])).ToArray();

        Dictionary<string, long> headers = await KernelHeaders.EvaluateAsync(
            pairs.Select(pair => $"offsetof({inC}, {pair.Theirs})").Append($"sizeof({inC})"));

        Assert.Equal(headers[$"sizeof({inC})"], SizeOf(type));
        Assert.All(pairs, pair => Assert.Equal(
            (pair.Ours, headers[$"offsetof({inC}, {pair.Theirs})"]), (pair.Ours, Marshal.OffsetOf(type, pair.Ours))));
    }

    [Fact]
    public async Task EpollEvent_ComparedWithHeaders_HasItsSizeAndOffsets()
    {
        KernelHeaders.RequireCompiler();
        Dictionary<string, long> headers = await KernelHeaders.EvaluateAsync(
            ["sizeof(struct epoll_event)", "offsetof(struct epoll_event, data)"]);
        var probe = new EpollEvent { Data = 0x0102030405060708 };

        Assert.Equal(headers["sizeof(struct epoll_event)"], EpollEvent.Size);
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<EpollEvent>(in probe));
        Assert.Equal(headers["offsetof(struct epoll_event, data)"], bytes.IndexOf((byte)0x08));
    }

    [Fact]
    public async Task BufferRingTail_ComparedWithHeaders_LiesAtItsOffset()
    {
        KernelHeaders.RequireCompiler();
        Dictionary<string, long> headers = await KernelHeaders.EvaluateAsync(["offsetof(struct io_uring_buf_ring, tail)"]);

        Assert.Equal(IoUringBuf.TailOffset, headers["offsetof(struct io_uring_buf_ring, tail)"]);
    }

    private static string InC(FieldInfo field) => Spelling.GetValueOrDefault(field.Name, field.Name);

    private static long SizeOf(Type type) => (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;
}
