using System.Buffers;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>An event loop over an epoll set.</summary>
internal sealed unsafe partial class EpollLoop : ReadinessLoop
{
    // One wait reports at most this many sockets; the rest are reported by the next one.
    private const int MaxEvents = 1024;

    // A send is a system call of its own on either thread: only the wake-up counts.
    private const int MaxBatchOfDirectSends = int.MaxValue;

    private const ulong WakeToken = ulong.MaxValue;

    private readonly SlotTable<IEpollWatcher> _watchers = new();
    private byte[] _events = []; // pinned
    private DescriptorHandle? _epoll;
    private int _ready; // events of the last wait

    public EpollLoop(string name, MemoryPool<byte> memoryPool, ConnectionSettings settings)
        : base(name, memoryPool, settings, MaxBatchOfDirectSends)
    {
    }

    /// <summary>The epoll set, from the loop's start to its end.</summary>
    public int Descriptor => (int)_epoll!.DangerousGetHandle();

    public override int Watch(int descriptor, uint events, IEpollWatcher watcher, out ulong token)
    {
        AssertOnLoop();
        token = _watchers.Add(watcher);
        var change = new EpollEvent { Events = events, Data = token };
        int result = Libc.EpollCtl(Descriptor, Libc.EPOLL_CTL_ADD, descriptor, &change);
        if (result < 0)
        {
            _watchers.Remove(token);
        }

        return result;
    }

    public override void Unwatch(int descriptor, ulong token)
    {
        AssertOnLoop();
        EpollEvent ignored;
        _ = Libc.EpollCtl(Descriptor, Libc.EPOLL_CTL_DEL, descriptor, &ignored);
        _watchers.Remove(token);
    }

    protected override void OpenOnLoop()
    {
        _events = GC.AllocateArray<byte>(MaxEvents * EpollEvent.Size, pinned: true);
        int epoll = Libc.EpollCreate1(Libc.EPOLL_CLOEXEC);
        if (epoll < 0)
        {
            throw SocketErrors.ToException(-epoll, "epoll_create1");
        }

        _epoll = new DescriptorHandle(epoll);
        var wake = new EpollEvent { Events = Libc.EPOLLIN | Libc.EPOLLET, Data = WakeToken };
        int result = Libc.EpollCtl(Descriptor, Libc.EPOLL_CTL_ADD, WakeDescriptor, &wake);
        if (result < 0)
        {
            throw SocketErrors.ToException(-result, "epoll_ctl");
        }

        Mode = LoopMode.Create("epoll", Settings.SpinTime, submissionPolling: false, napi: TryPollNetwork());
    }

    protected override void WaitOnLoop(bool sleep)
    {
        fixed (byte* events = _events)
        {
            _ready = Libc.EpollWait(Descriptor, (EpollEvent*)events, MaxEvents, sleep ? -1 : 0);
        }

        Statistics.Enters++;
        if (_ready < 0 && _ready != -Errno.EINTR)
        {
            throw SocketErrors.ToException(-_ready, "epoll_wait");
        }
    }

    protected override int DispatchOnLoop()
    {
        Statistics.Completions += Math.Max(_ready, 0); // negative: interrupted
        fixed (byte* events = _events)
        {
            for (int i = 0; i < _ready; i++)
            {
                EpollEvent* ready = EpollEvent.At(events, i);
                if (ready->Data == WakeToken)
                {
                    continue;
                }

                try
                {
                    // Null: closed by the handler of an earlier event of this batch.
                    _watchers.Find(ready->Data)?.OnReady(ready->Events);
                }
                catch (Exception e)
                {
                    ReportFault(e);
                }
            }
        }

        return _ready;
    }

    protected override void CloseOnLoop()
    {
        _epoll?.Dispose();
        base.CloseOnLoop();
    }
}
