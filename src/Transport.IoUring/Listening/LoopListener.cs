using System.Net;
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

    private readonly TransportListener _listener;
    private readonly Socket _socket;
    private readonly EventLoop _loop;
    private readonly EventLoopGroup? _group; // null: connections stay on the loop
    private readonly LoopAcceptor _acceptor;
    private readonly ConnectionSettings _settings;
    private readonly TimeProvider _timeProvider;
    private readonly bool _isTcp;

    private readonly Queue<int> _waiting = new(); // accepted, but there was no loop for them; loop thread only, like all below
    private ITimer? _retry;
    private bool _queueFull;
    private bool _stopping;

    /// <param name="listener">Gets the connections.</param>
    /// <param name="socket">Listens; closed by this object.</param>
    /// <param name="loop">Accepts.</param>
    /// <param name="group">Where each connection gets the loop with the fewest; <see langword="null"/>: it stays on this one.</param>
    /// <param name="settings">Of the connections.</param>
    /// <param name="timeProvider">For tries that are repeated.</param>
    public LoopListener(
        TransportListener listener, Socket socket, EventLoop loop, EventLoopGroup? group, ConnectionSettings settings, TimeProvider timeProvider)
    {
        _listener = listener;
        _socket = socket;
        _loop = loop;
        _group = group;
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

    void IAcceptTarget.OnAccepted(int descriptor) => AcceptOnLoop(descriptor);

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

    private void AcceptOnLoop(int descriptor)
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

        if (_isTcp && _settings.NoDelay)
        {
            TcpOptions.SetNoDelay(descriptor);
        }

        EventLoop loop;
        try
        {
            loop = TakeLoop();
        }
        catch (Exception e)
        {
            // No thread or no descriptor for a loop of its own: the connection waits with those in the backlog.
            _settings.Limit?.Release();
            _waiting.Enqueue(descriptor);
            _acceptor.Pause();
            RetryLaterOnLoop(e.Message);
            return;
        }

        _loop.Statistics.Accepted++;
        var connection = new TransportConnection(loop, descriptor, peer, _listener.LocalEndPointOf(descriptor));
        connection.Start();
        if (!_listener.Enqueue(connection))
        {
            _loop.Statistics.AcceptPauses += _queueFull ? 0 : 1; // a few more are accepted before the pause takes effect
            _queueFull = true;
            _acceptor.Pause();
        }

        _listener.Incident.Succeed();
    }

    private EventLoop TakeLoop()
    {
        if (_group is not null)
        {
            return _group.TakeLeastLoaded();
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

        for (int left = _waiting.Count; left > 0; left--)
        {
            AcceptOnLoop(_waiting.Dequeue());
        }

        if (_waiting.Count > 0)
        {
            return; // the timer runs again
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
        while (_waiting.TryDequeue(out int descriptor))
        {
            LoopSocket.Reset(descriptor);
        }

        _socket.Dispose(); // only now: the kernel no longer uses the descriptor
        _loop.UnregisterOnLoop(this);
        _listener.OnStopped();
    }
}
