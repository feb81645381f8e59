using System.Buffers;
using System.Diagnostics;
using System.Net;
using Kestrel.Rpc.Transport.Native;
using static Kestrel.Rpc.Transport.Native.IoUringConstants;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// An event loop over an io_uring: everything that an iteration wants of the kernel is handed over by the same system call
/// that waits for its completions.
/// </summary>
internal sealed unsafe partial class IoUringLoop : EventLoop
{
    /// <summary>The size of a receive buffer. Bytes.</summary>
    public const int BufferSize = 4096;


    // Sends posted to the loop share one system call. Measured with echo: posting wins from 8 connections on (docs/benchmarks.md).
    private const int MaxBatchOfDirectSends = 4;

    private const int KindShift = 56;
    private const ulong NumberMask = (1ul << KindShift) - 1;

    private readonly SlotTable<IIoUringOwner> _owners = new();
    private readonly Stack<SendMessage> _messages = new();
    private readonly Stack<ReceiveMessage> _receiveMessages = new();
    private readonly List<IoUringSocket> _starved = [];
    private readonly IoUringTransportOptions _options;
    private Ring? _ring;
    private BufferRing? _buffers;

    public IoUringLoop(string name, MemoryPool<byte> memoryPool, ConnectionSettings settings, IoUringTransportOptions options)
        : base(name, memoryPool, settings, MaxBatchOfDirectSends) => _options = options;

    public BufferRing Buffers => _buffers!;

    /// <summary>The loop's ring, from its start to its end.</summary>
    public Ring Ring => _ring!;

    public override LoopSocket CreateSocket(int descriptor) => new IoUringSocket(this, descriptor);

    public override LoopAcceptor CreateAcceptor(int descriptor, IAcceptTarget target) => new IoUringAcceptor(this, descriptor, target);

    public override LoopConnector CreateConnector(SocketAddress address) => new IoUringConnector(this, address);

    /// <summary>Takes the number under which the kernel reports <paramref name="owner"/>'s completions.</summary>
    public ulong AddOwner(IIoUringOwner owner)
    {
        AssertOnLoop();
        return _owners.Add(owner);
    }

    /// <summary>Gives the number back; no request of its owner may be left.</summary>
    public void RemoveOwner(ulong number) => _owners.Remove(number);

    /// <summary>Queues a request whose completion the owner of <paramref name="number"/> gets.</summary>
    public void Submit(ref IoUringSqe request, CompletionKind kind, ulong number)
    {
        AssertOnLoop();
        request.UserData = UserData(kind, number);
        _ring!.Add(request);
    }

    /// <summary>Asks the kernel to end a request; its owner hears of it by the request's own completion.</summary>
    public void SubmitCancel(CompletionKind kind, ulong number)
    {
        var request = new IoUringSqe
        {
            Opcode = IORING_OP_ASYNC_CANCEL,
            Flags = IOSQE_CQE_SKIP_SUCCESS,
            Fd = -1,
            Addr = UserData(kind, number),
        };
        Submit(ref request, CompletionKind.Cancel, number);
    }

    /// <summary>Has <paramref name="socket"/> receive again when the buffers of this iteration are back in the ring.</summary>
    public void ReceiveWhenBuffersAreBack(IoUringSocket socket) => _starved.Add(socket);

    public SendMessage RentMessage() => _messages.TryPop(out SendMessage? message) ? message : new SendMessage();

    public void ReturnMessage(SendMessage message) => _messages.Push(message);

    public ReceiveMessage RentReceiveMessage() =>
        _receiveMessages.TryPop(out ReceiveMessage? message) ? message : new ReceiveMessage();

    public void ReturnReceiveMessage(ReceiveMessage message) => _receiveMessages.Push(message);

    /// <summary>
    /// The kernel lost completions, so nobody knows which connection is whole: all are aborted, and what was lost is found by
    /// cancelling every request again. Listeners go on.
    /// </summary>
    public void ResynchroniseOnLoop()
    {
        Statistics.Losses++;
        TransportLog.CompletionsLost(Logger, Name);
        AbortConnectionsOnLoop();
        foreach (IIoUringOwner owner in _owners.ToArray())
        {
            owner.CheckRequests();
        }

        SubmitCheck(CompletionKind.Wake, 0);
        _buffersLost = true; // perhaps
    }

    /// <summary>
    /// Cancels a request that the kernel may no longer have. If it has, the request completes; if not, its owner gets
    /// <see cref="IIoUringOwner.OnGone"/>.
    /// </summary>
    public void SubmitCheck(CompletionKind kind, ulong number)
    {
        var request = new IoUringSqe { Opcode = IORING_OP_ASYNC_CANCEL, Fd = -1, Addr = UserData(kind, number) };
        Submit(ref request, CompletionKind.Check | kind, number);
    }

    protected override void OpenOnLoop()
    {
        _ring = CreateRing();
        _buffers = new BufferRing(_ring, _options.ReceiveBufferCount, BufferSize, touched: Settings.ProcessorOf(Index) is not null);
        bool napi = TryPollNetwork();
        Mode = LoopMode.Create("io_uring", Settings.SpinTime, _ring.IsSubmissionPolled, napi);
        SubmitWake();

        // A seccomp profile may allow to set a ring up and forbid to use it.
        int result = _ring.Enter(wait: false);
        if (result < 0)
        {
            throw new PlatformNotSupportedException(RingSetup.Refusal(-result));
        }
    }

    protected override void WaitOnLoop(bool sleep)
    {
        Ring ring = _ring!;
        if (ring.IsOverflowing)
        {
            Statistics.Overflows++;
        }

        int result = ring.Enter(sleep);
        Statistics.Enters = ring.Enters;
        switch (-result)
        {
            case 0 or Errno.EINTR or Errno.EAGAIN or Errno.EBUSY or Errno.ETIME:
            case Errno.EBADR: // lost completions, which the following counts
                break;
            case int error:
                throw SocketErrors.ToException(error, "io_uring_enter");
        }

        if (ring.TakeLoss())
        {
            ResynchroniseOnLoop();
        }
    }

    protected override int DispatchOnLoop()
    {
        Ring ring = _ring!;
        uint seen = 0;
        while (ring.TryPeek(seen, out IoUringCqe completion))
        {
            seen++;
            try
            {
                Dispatch(completion);
            }
            catch (Exception e)
            {
                ReportFault(e);
            }
        }

        ring.Advance(seen);
        Statistics.Completions += seen;
        _buffers!.Publish();
        RenewLostBuffersOnLoop();
        if (_starved.Count > 0)
        {
            Statistics.BufferStarvations += _starved.Count;
            _starved.ForEach(socket => socket.OnBuffersBack());
            _starved.Clear();
        }

        return (int)seen;
    }

    protected override void CloseOnLoop()
    {
        _ring?.Dispose(); // ends what is left of requests before their memory goes
        _buffers?.Dispose();
        while (_messages.TryPop(out SendMessage? message))
        {
            message.Dispose();
        }

        while (_receiveMessages.TryPop(out ReceiveMessage? message))
        {
            message.Dispose();
        }
    }

    private static ulong UserData(CompletionKind kind, ulong number) => ((ulong)kind << KindShift) | number;

    private void Dispatch(in IoUringCqe completion)
    {
        var kind = (CompletionKind)(completion.UserData >> KindShift);
        if ((kind & CompletionKind.Check) != 0)
        {
            if (completion.Result == -Errno.ENOENT)
            {
                OnGone(kind & ~CompletionKind.Check, completion.UserData & NumberMask);
            }
        }
        else if (kind >= CompletionKind.Accept)
        {
            IIoUringOwner? owner = _owners.Find(completion.UserData & NumberMask);
            Debug.Assert(owner is not null, "An owner stays until its last completion.");
            owner?.OnCompletion(kind, completion);
        }
        else if (kind == CompletionKind.Wake && (completion.Flags & IORING_CQE_F_MORE) == 0)
        {
            SubmitWake();
        }
    }

    private void OnGone(CompletionKind kind, ulong number)
    {
        if (kind == CompletionKind.Wake)
        {
            SubmitWake();
        }
        else
        {
            _owners.Find(number)?.OnGone(kind);
        }
    }

    private void SubmitWake()
    {
        var request = new IoUringSqe
        {
            Opcode = IORING_OP_POLL_ADD,
            Fd = WakeDescriptor,
            Len = IORING_POLL_ADD_MULTI,
            OpFlags = Libc.EPOLLIN,
        };
        Submit(ref request, CompletionKind.Wake, 0);
    }
}
