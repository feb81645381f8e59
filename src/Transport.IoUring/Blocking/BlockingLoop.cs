using System.Buffers;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// The thread of one connection, or of the listeners: it blocks in <c>poll</c> on the little that it serves, after a receive or
/// send that was tried first would block.
/// </summary>
internal sealed unsafe class BlockingLoop : ReadinessLoop
{
    private readonly List<(int Descriptor, ulong Token, IEpollWatcher Watcher)> _watched = [];
    private readonly List<(short Events, ulong Token, IEpollWatcher Watcher)> _ready = [];
    private readonly Action<BlockingLoop>? _ended;
    private PollFd[] _polled = GC.AllocateArray<PollFd>(2, pinned: true);
    private ulong _lastToken;

    /// <param name="name">For logs and the thread.</param>
    /// <param name="memoryPool">The loop's share of the transport's.</param>
    /// <param name="settings">Of the transport.</param>
    /// <param name="ended">Makes the loop end with its connection, and is called then; <see langword="null"/>: it serves listeners.</param>
    public BlockingLoop(string name, MemoryPool<byte> memoryPool, ConnectionSettings settings, Action<BlockingLoop>? ended)
        : base(name, memoryPool, settings, maxBatchOfDirectSends: int.MaxValue, keepsMemory: false)
    {
        _ended = ended;
        EndsWhenEmpty = ended is not null;
    }

    public override int Watch(int descriptor, uint events, IEpollWatcher watcher, out ulong token)
    {
        AssertOnLoop();
        token = ++_lastToken;
        _watched.Add((descriptor, token, watcher));
        if (_watched.Count >= _polled.Length)
        {
            _polled = GC.AllocateArray<PollFd>(2 * _polled.Length, pinned: true);
        }

        return 0;
    }

    public override void Unwatch(int descriptor, ulong token)
    {
        AssertOnLoop();
        _watched.RemoveAll(watched => watched.Token == token);
    }

    protected override void OpenOnLoop()
    {
        // poll needs no object of the kernel's.
        Mode = LoopMode.Create("blocking", Settings.SpinTime, submissionPolling: false, napi: false);
    }

    protected override void WaitOnLoop(bool sleep)
    {
        // The wake-up is an eventfd that is never read, which poll would report for ever: it is reset here.
        PollFd[] polled = _polled;
        polled[0] = new PollFd { Fd = WakeDescriptor, Events = (short)Libc.EPOLLIN };
        for (int i = 0; i < _watched.Count; i++)
        {
            uint interest = _watched[i].Watcher.Interest;
            polled[i + 1] = new PollFd { Fd = interest == 0 ? -1 : _watched[i].Descriptor, Events = (short)interest };
        }

        Statistics.Enters++;
        int result;
        fixed (PollFd* descriptors = polled)
        {
            result = Libc.Poll(descriptors, (nuint)(_watched.Count + 1), sleep ? -1 : 0);
        }

        if (result < 0 && result is not (-Errno.EINTR or -Errno.EAGAIN or -Errno.ENOMEM))
        {
            throw SocketErrors.ToException(-result, "poll");
        }

        if (result <= 0)
        {
            return;
        }

        if (polled[0].Revents != 0)
        {
            ResetWakeOnLoop();
        }

        for (int i = 0; i < _watched.Count; i++)
        {
            if (polled[i + 1].Revents != 0)
            {
                _ready.Add((polled[i + 1].Revents, _watched[i].Token, _watched[i].Watcher));
            }
        }
    }

    protected override int DispatchOnLoop()
    {
        int count = _ready.Count;
        Statistics.Completions += count;
        foreach ((short events, ulong token, IEpollWatcher watcher) in _ready)
        {
            try
            {
                // Not found: closed by the handler of an earlier event.
                if (_watched.Exists(watched => watched.Token == token))
                {
                    watcher.OnReady((ushort)events);
                }
            }
            catch (Exception e)
            {
                ReportFault(e);
            }
        }

        _ready.Clear();
        return count;
    }

    /// <summary>Gives back what the loop holds if its thread could not start.</summary>
    public void Abandon() => DisposeHandles();

    protected override void OnEnded()
    {
        if (_ended is not null)
        {
            DisposeHandles(); // nobody else does: the loop is one of many that come and go
            _ended(this);
        }
    }
}
