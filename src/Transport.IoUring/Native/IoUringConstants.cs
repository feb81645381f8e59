namespace Kestrel.Rpc.Transport.Native;

/// <summary>Constants of <c>linux/io_uring.h</c>, named as there.</summary>
internal static class IoUringConstants
{
    public const byte IORING_OP_POLL_ADD = 6;
    public const byte IORING_OP_SENDMSG = 9;
    public const byte IORING_OP_RECVMSG = 10;
    public const byte IORING_OP_ACCEPT = 13;
    public const byte IORING_OP_ASYNC_CANCEL = 14;
    public const byte IORING_OP_CONNECT = 16;
    public const byte IORING_OP_SEND = 26;
    public const byte IORING_OP_RECV = 27;
    public const byte IORING_OP_SEND_ZC = 47;

    public const byte IOSQE_BUFFER_SELECT = 1 << 5;
    public const byte IOSQE_CQE_SKIP_SUCCESS = 1 << 6;

    public const ushort IORING_RECV_MULTISHOT = 1 << 1;
    public const ushort IORING_ACCEPT_MULTISHOT = 1 << 0;
    public const uint IORING_POLL_ADD_MULTI = 1 << 0;

    public const uint IORING_CQE_F_BUFFER = 1 << 0;
    public const uint IORING_CQE_F_MORE = 1 << 1;
    public const int IORING_CQE_BUFFER_SHIFT = 16;

    public const uint IORING_SETUP_SQPOLL = 1 << 1;
    public const uint IORING_SETUP_SQ_AFF = 1 << 2;
    public const uint IORING_SETUP_CQSIZE = 1 << 3;
    public const uint IORING_SETUP_CLAMP = 1 << 4;
    public const uint IORING_SETUP_SUBMIT_ALL = 1 << 7;
    public const uint IORING_SETUP_COOP_TASKRUN = 1 << 8;
    public const uint IORING_SETUP_TASKRUN_FLAG = 1 << 9;
    public const uint IORING_SETUP_SINGLE_ISSUER = 1 << 12;
    public const uint IORING_SETUP_DEFER_TASKRUN = 1 << 13;

    // Linux 6.6; newer than the headers of Debian 12.
    public const uint IORING_SETUP_NO_SQARRAY = 1 << 16;

    public const uint IORING_FEAT_SINGLE_MMAP = 1 << 0;
    public const uint IORING_FEAT_NODROP = 1 << 1;
    public const uint IORING_FEAT_SUBMIT_STABLE = 1 << 2;
    public const uint IORING_FEAT_CQE_SKIP = 1 << 11;

    public const uint IORING_ENTER_GETEVENTS = 1 << 0;
    public const uint IORING_ENTER_SQ_WAKEUP = 1 << 1;
    public const uint IORING_ENTER_SQ_WAIT = 1 << 2;

    public const uint IORING_SQ_NEED_WAKEUP = 1 << 0;
    public const uint IORING_SQ_CQ_OVERFLOW = 1 << 1;
    public const uint IORING_SQ_TASKRUN = 1 << 2;

    public const long IORING_OFF_SQ_RING = 0;
    public const long IORING_OFF_SQES = 0x10000000;

    public const uint IORING_REGISTER_PROBE = 8;
    public const uint IORING_REGISTER_PBUF_RING = 22;
    public const uint IORING_UNREGISTER_PBUF_RING = 23;

    // Linux 6.9; newer than the headers of Debian 12.
    public const uint IORING_REGISTER_NAPI = 27;
    public const uint IORING_UNREGISTER_NAPI = 28;

    public const ushort IO_URING_OP_SUPPORTED = 1 << 0;
}
