using System.Net;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>Connects without blocking; the socket becomes writable when it is known how that ended.</summary>
internal sealed unsafe class EpollConnector : LoopConnector, IEpollWatcher
{
    private readonly ReadinessLoop _loop;
    private readonly LoopOperation _connect = new();
    private ulong _token;
    private bool _watching;

    public EpollConnector(ReadinessLoop loop, SocketAddress address)
        : base(address) => _loop = loop;

    protected override bool OpensNonBlocking => true;

    public uint Interest => Libc.EPOLLOUT; // it is registered only while it waits

    public override LoopOperation ConnectAsync()
    {
        int result;
        fixed (byte* address = Address.Span)
        {
            result = Libc.Connect(Descriptor, address, (uint)Address.Length);
        }

        // A signal does not end it: the kernel goes on, as if it had said that it would take a while.
        if (result is -Errno.EINPROGRESS or -Errno.EINTR)
        {
            result = _loop.Watch(Descriptor, Libc.EPOLLOUT, this, out _token);
            _watching = result >= 0;
        }

        if (!_watching)
        {
            _connect.Complete(result);
        }

        return _connect;
    }

    public override void Cancel()
    {
        if (_watching)
        {
            Complete(-Errno.ECANCELED);
        }
    }

    public void OnReady(uint events)
    {
        int error = 0;
        uint length = sizeof(int);
        int result = Libc.GetSockOpt(Descriptor, Libc.SOL_SOCKET, Libc.SO_ERROR, &error, &length);
        Complete(result < 0 ? result : -error);
    }

    private void Complete(int result)
    {
        _watching = false;
        _loop.Unwatch(Descriptor, _token);
        _connect.Complete(result);
    }
}
