using System.Buffers;
using System.Net;
using Kestrel.Rpc.Transport.Native;
using static Kestrel.Rpc.Transport.Native.IoUringConstants;

namespace Kestrel.Rpc.Transport;

/// <summary>Connects with one request of the ring.</summary>
internal sealed unsafe class IoUringConnector : LoopConnector, IIoUringOwner
{
    private readonly IoUringLoop _loop;
    private readonly LoopOperation _connect = new();
    private ulong _number;
    private MemoryHandle _address; // pinned while the kernel may read it
    private bool _armed; // the kernel has the request
    private bool _canceling; // and has been asked to end it

    public IoUringConnector(IoUringLoop loop, SocketAddress address)
        : base(address) => _loop = loop;

    // On a non-blocking TCP socket the kernel would report EAGAIN instead of waiting. A Unix socket is the other way round: on
    // a blocking one, a full queue at the listener would keep a kernel thread waiting for each connect.
    protected override bool OpensNonBlocking => IsUnix;

    public override LoopOperation ConnectAsync()
    {
        _number = _loop.AddOwner(this);
        _address = Address.Pin();
        var request = new IoUringSqe
        {
            Opcode = IORING_OP_CONNECT,
            Fd = Descriptor,
            Addr = (ulong)_address.Pointer,
            Off = (ulong)Address.Length,
        };
        _loop.Submit(ref request, CompletionKind.Connect, _number);
        _armed = true;
        _canceling = false;
        return _connect;
    }

    public override void Cancel()
    {
        if (_armed && !_canceling)
        {
            _canceling = true;
            _loop.SubmitCancel(CompletionKind.Connect, _number);
        }
    }

    public void OnCompletion(CompletionKind kind, in IoUringCqe completion)
    {
        _armed = false;
        _loop.RemoveOwner(_number);
        _address.Dispose();
        _address = default;

        int result = completion.Result;
        if (result == 0 && OpensNonBlocking)
        {
            // From here on the kernel is to wait for bytes and for room.
            _ = Libc.SetFlags(Descriptor, Libc.GetFlags(Descriptor) & ~Libc.O_NONBLOCK);
        }

        _connect.Complete(_canceling && result < 0 ? -Errno.ECANCELED : result);
    }

    public void CheckRequests()
    {
        if (_armed)
        {
            _loop.SubmitCheck(CompletionKind.Connect, _number);
        }
    }

    public void OnGone(CompletionKind kind)
    {
        if (_armed)
        {
            OnCompletion(kind, new IoUringCqe { Result = -Errno.ECANCELED });
        }
    }
}
