using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>Accepts with <c>accept4</c> when the listening socket is readable (level-triggered).</summary>
internal sealed unsafe class EpollAcceptor : LoopAcceptor, IEpollWatcher
{
    // So that a flood of connections does not keep the loop from those it has.
    private const int MaxAcceptsPerEvent = 64;

    private readonly ReadinessLoop _loop;
    private readonly int _descriptor;
    private readonly IAcceptTarget _target;
    private readonly LoopOperation _stop = new();
    private ulong _token;
    private bool _watching;

    public EpollAcceptor(ReadinessLoop loop, int descriptor, IAcceptTarget target)
    {
        _loop = loop;
        _descriptor = descriptor;
        _target = target;
        _ = Libc.SetFlags(descriptor, Libc.GetFlags(descriptor) | Libc.O_NONBLOCK);
    }

    public uint Interest => Libc.EPOLLIN; // it is registered only while it accepts

    public override int Resume()
    {
        if (_watching)
        {
            return 0;
        }

        int result = _loop.Watch(_descriptor, Libc.EPOLLIN, this, out _token);
        _watching = result >= 0;
        return result;
    }

    public override void Pause()
    {
        if (_watching)
        {
            _watching = false;
            _loop.Unwatch(_descriptor, _token);
        }
    }

    public override LoopOperation StopAsync()
    {
        Pause();
        _stop.Complete(0);
        return _stop;
    }

    public void OnReady(uint events)
    {
        for (int i = 0; i < MaxAcceptsPerEvent && _watching; i++)
        {
            int result = Libc.Accept4(_descriptor, null, null, Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC);
            if (result >= 0)
            {
                _target.OnAccepted(result);
                continue;
            }

            if (result == -Errno.EAGAIN)
            {
                return;
            }

            bool again = SocketErrors.IsFaultOfOneConnection(-result);
            if (!again)
            {
                Pause();
            }

            _target.OnAcceptError(-result, paused: !again);
        }
    }
}
