using System.Net.Sockets;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// One listening socket of a <see cref="TransportListener"/> on one loop, which accepts and starts connections. When too many
/// connections wait for the server, or descriptors or memory are short, it leaves the rest in the kernel's backlog for a while.
/// </summary>
internal sealed class LoopListener : IAcceptTarget, ILoopHandle
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);

    // For how long a connection that was accepted waits for a thread: its peer rather gets an error than a server that does not answer.
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);

    private readonly TransportListener _listener;
    private readonly Socket _socket;
    private readonly EventLoop _loop;
    private readonly EventLoopGroup _loops;
    private readonly bool _balances; // false: connections stay on the loop
    private readonly LoopAcceptor _acceptor;
    private readonly ConnectionSettings _settings;
    private readonly TimeProvider _timeProvider;
    private readonly bool _isTcp;

    private readonly Queue<(int Descriptor, long Since)> _waiting = new(); // accepted, but there was no loop for them; loop thread only, like all below
    private ITimer? _retry;
    private bool _retrying; // the timer runs
    private bool _queueFull;
    private bool _stopping;

    /// <param name="listener">Gets the connections.</param>
    /// <param name="socket">Listens; closed by this object.</param>
    /// <param name="loop">Accepts.</param>
    /// <param name="loops">Of the transport.</param>
    /// <param name="balances">Whether each connection gets the one of them that has the fewest; else it stays on <paramref name="loop"/>.</param>
    /// <param name="settings">Of the connections.</param>
    /// <param name="timeProvider">For tries that are repeated.</param>
    public LoopListener(
        TransportListener listener,
        Socket socket,
        EventLoop loop,
        EventLoopGroup loops,
        bool balances,
        ConnectionSettings settings,
        TimeProvider timeProvider)
    {
        _listener = listener;
        _socket = socket;
        _loop = loop;
        _loops = loops;
        _balances = balances;
        _settings = settings;
        _timeProvider = timeProvider;
        _isTcp = socket.AddressFamily != AddressFamily.Unix;
        _acceptor = loop.CreateAcceptor((int)socket.Handle, this);
    }

    /// <summary>Begins to accept. Any thread, once.</summary>
    public void Start() => _loop.Schedule(static listener => ((LoopListener)listener!).StartOnLoop(), this);

    /// <summary>Accepts again if it had paused because too many connections waited. Any thread.</summary>
    public void Resume() => _loop.Schedule(static listener => ((LoopListener)listener!).ResumeOnLoop(), this);

    /// <summary>Accepts no more, and tells the listener when the socket is closed. Any thread.</summary>
    public void Stop() => _loop.Schedule(static listener => ((LoopListener)listener!).StopOnLoop(), this);

    int ILoopHandle.Place { get; set; }

    void ILoopHandle.AbortOnLoop() => StopOnLoop();

    void IAcceptTarget.OnAccepted(int descriptor) => AcceptOnLoop(descriptor, _timeProvider.GetTimestamp());

    void IAcceptTarget.OnAcceptError(int error, bool paused)
    {
        string reason = SocketErrors.Message(error);
        if (paused)
        {
            RetryLaterOnLoop(reason);
        }
        else
        {
            TransportLog.AcceptAborted(_settings.Logger, _listener.EndPoint.ToString()!, reason);
        }
    }

    private void AcceptOnLoop(int descriptor, long since)
    {
        if (SocketAddressReader.ReadPeer(descriptor) is not { } peer)
        {
            _loop.Statistics.Rejected++;
            _ = Libc.Close(descriptor);
            TransportLog.AcceptAborted(_settings.Logger, _listener.EndPoint.ToString()!, "reset by its peer");
            return;
        }

        if (_settings.Limit?.TryTake() == false)
        {
            LoopSocket.Reset(descriptor);
            _loop.Statistics.Rejected++;
            return;
        }

        EventLoop loop;
        try
        {
            loop = TakeLoop();
        }
        catch (ObjectDisposedException)
        {
            // The transport stops, and this listener in a moment.
            _settings.Limit?.Release();
            LoopSocket.Reset(descriptor);
            _loop.Statistics.Rejected++;
            return;
        }
        catch (Exception e)
        {
            // No thread or no descriptor for a loop of its own: the connection waits for a while, the rest in the backlog.
            _settings.Limit?.Release();
            _acceptor.Pause();
            WaitOnLoop(descriptor, since);
            RetryLaterOnLoop(e.Message);
            return;
        }

        TransportConnection? connection = TryStart(loop, descriptor, peer);
        if (connection is null)
        {
            return;
        }

        _loop.Statistics.Accepted++;
        if (!_listener.Enqueue(connection))
        {
            _loop.Statistics.AcceptPauses += _queueFull ? 0 : 1; // a few more are accepted before the pause takes effect
            _queueFull = true;
            _acceptor.Pause();
        }

        _listener.Incident.Succeed();
    }

    private TransportConnection? TryStart(EventLoop loop, int descriptor, in PeerAddress peer)
    {
        try
        {
            if (_isTcp && _settings.NoDelay)
            {
                TcpOptions.SetNoDelay(descriptor);
            }

            var connection = new TransportConnection(loop, descriptor, peer, _listener.LocalEndPointOf(descriptor));
            connection.Start(); // from here on the connection closes the descriptor and gives its place back, whatever happens
            return connection;
        }
        catch (Exception e)
        {
            // No memory for its objects.
            _loop.Statistics.Rejected++;
            LoopSocket.Reset(descriptor);
            _settings.Limit?.Release();
            _loops.GiveBack(loop);
            _loop.ReportFault(e);
            return null;
        }
    }

    private void WaitOnLoop(int descriptor, long since)
    {
        if (_timeProvider.GetElapsedTime(since) < MaxWait)
        {
            _waiting.Enqueue((descriptor, since));
        }
        else
        {
            LoopSocket.Reset(descriptor);
            _loop.Statistics.Rejected++;
        }
    }

    private EventLoop TakeLoop()
    {
        if (_balances)
        {
            return _loops.TakeLeastLoaded();
        }

        _loop.AddConnection();
        return _loop;
    }

    private void RetryLaterOnLoop(string reason)
    {
        _retry ??= _timeProvider.CreateTimer(
            static state => ((LoopListener)state!)._loop.Schedule(static listener => ((LoopListener)listener!).RetryOnLoop(), state),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        _retry.Change(RetryDelay, Timeout.InfiniteTimeSpan);
        _retrying = true;
        if (_listener.Incident.Fail(reason, RetryDelay))
        {
            _loop.Statistics.AcceptPauses++;
        }
    }

    private void StartOnLoop()
    {
        _loop.RegisterOnLoop(this);
        RetryOnLoop();
    }

    private void RetryOnLoop()
    {
        if (_stopping || _queueFull)
        {
            return;
        }

        _retrying = false;
        for (int left = _waiting.Count; left > 0 && !_queueFull; left--)
        {
            (int descriptor, long since) = _waiting.Dequeue();
            AcceptOnLoop(descriptor, since);
        }

        if (_retrying || _queueFull)
        {
            return; // the timer runs again, or the server takes connections first
        }

        int result = _acceptor.Resume();
        if (result < 0)
        {
            RetryLaterOnLoop(SocketErrors.Message(-result));
        }
    }

    private void ResumeOnLoop()
    {
        if (_queueFull && _listener.HasRoom)
        {
            _queueFull = false;
            RetryOnLoop();
        }
    }

    private async void StopOnLoop()
    {
        if (_stopping)
        {
            return;
        }

        _stopping = true;
        _retry?.Dispose();
        await _acceptor.StopAsync();
        while (_waiting.TryDequeue(out (int Descriptor, long Since) waiting))
        {
            LoopSocket.Reset(waiting.Descriptor);
        }

        _socket.Dispose(); // only now: the kernel no longer uses the descriptor
        _loop.UnregisterOnLoop(this);
        _listener.OnStopped();
    }
}
