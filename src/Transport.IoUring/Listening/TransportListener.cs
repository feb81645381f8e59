using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Kestrel.Rpc.Transport.Native;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// One listening socket: its first loop accepts, and each connection goes to the loop that has the fewest. Connections that
/// the server has not asked for yet wait in a queue; when that is full, the rest stay in the kernel's backlog.
/// </summary>
internal sealed class TransportListener : IConnectionListener, IAcceptTarget, ILoopHandle
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);

    // Where descriptors come and go one by one, accepts fail and succeed in turns: that is one incident, told once.
    private static readonly TimeSpan CalmPeriod = TimeSpan.FromSeconds(1);

    private readonly Socket _socket;
    private readonly EventLoopGroup _loops;
    private readonly EventLoop _loop; // accepts
    private readonly LoopAcceptor _acceptor;
    private readonly ConnectionSettings _settings;
    private readonly TimeProvider _timeProvider;
    private readonly int _maxQueued;
    private readonly bool _isTcp;
    private readonly bool _isBoundToAll; // addresses of the machine, so that connections have different ones
    private readonly Channel<TransportConnection> _accepted = Channel.CreateUnbounded<TransportConnection>(); // bounded by _maxQueued
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly Queue<int> _waiting = new(); // accepted, but there was no loop for them; loop thread only, like all below
    private ITimer? _retry; // loop thread only, like all below
    private EndPoint? _lastLocal;
    private int _queued; // written by the loop and by AcceptAsync
    private bool _queueFull;
    private bool _failing; // accepts fail; said once in the log
    private long _lastFailure;
    private bool _stopping;

    public TransportListener(
        EndPoint endPoint, Socket socket, EventLoopGroup loops, ConnectionSettings settings, int backlog, TimeProvider timeProvider)
    {
        _socket = socket;
        _loops = loops;
        _loop = loops.Loops[0];
        _settings = settings;
        _maxQueued = backlog;
        _timeProvider = timeProvider;
        _isTcp = socket.AddressFamily != AddressFamily.Unix;
        EndPoint = socket.LocalEndPoint ?? endPoint;
        _isBoundToAll = EndPoint is IPEndPoint { Address: var address } && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));
        _acceptor = _loop.CreateAcceptor((int)socket.Handle, this);
        _loop.Schedule(static listener => ((TransportListener)listener!).StartOnLoop(), this);
    }

    public EndPoint EndPoint { get; }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _accepted.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_accepted.Reader.TryRead(out TransportConnection? connection))
            {
                if (Interlocked.Decrement(ref _queued) == _maxQueued / 2)
                {
                    _loop.Schedule(static listener => ((TransportListener)listener!).ResumeOnLoop(), this);
                }

                return connection;
            }
        }

        return null; // unbound
    }

    /// <summary>Stops accepting. Short, and not to be cancelled: a host that is disposed passes a cancelled token.</summary>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _loop.Schedule(static listener => ((TransportListener)listener!).StopOnLoop(), this);
        await _stopped.Task.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync().ConfigureAwait(false);
        while (_accepted.Reader.TryRead(out TransportConnection? connection))
        {
            connection.Abort(new ConnectionAbortedException("The listener was disposed before the connection was accepted."));
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    void IAcceptTarget.OnAccepted(int descriptor)
    {
        if (SocketAddressReader.ReadPeer(descriptor) is not { } peer)
        {
            _loop.Statistics.Rejected++;
            _ = Libc.Close(descriptor);
            TransportLog.AcceptAborted(_settings.Logger, EndPoint.ToString()!, "reset by its peer");
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
            loop = _loops.TakeLeastLoaded();
        }
        catch (Exception e)
        {
            // No thread or no descriptor for a loop of its own: the connection waits with those in the backlog.
            _settings.Limit?.Release();
            _waiting.Enqueue(descriptor);
            _acceptor.Pause();
            OnAcceptFailure(e.Message);
            return;
        }

        _loop.Statistics.Accepted++;
        var connection = new TransportConnection(loop, descriptor, peer, ReadLocal(descriptor));
        connection.Start();
        if (Interlocked.Increment(ref _queued) >= _maxQueued)
        {
            _loop.Statistics.AcceptPauses += _queueFull ? 0 : 1; // a few more are accepted before the pause takes effect
            _queueFull = true;
            _acceptor.Pause();
        }

        _accepted.Writer.TryWrite(connection);

        if (_failing && _timeProvider.GetElapsedTime(_lastFailure) >= CalmPeriod)
        {
            _failing = false;
            TransportLog.AcceptResumed(_settings.Logger, EndPoint.ToString()!);
        }
    }

    void IAcceptTarget.OnAcceptError(int error, bool paused)
    {
        string reason = SocketErrors.Message(error);
        if (!paused)
        {
            TransportLog.AcceptAborted(_settings.Logger, EndPoint.ToString()!, reason);
            return;
        }

        OnAcceptFailure(reason);
    }

    private void OnAcceptFailure(string reason)
    {
        _retry ??= _timeProvider.CreateTimer(
            static state => ((TransportListener)state!)._loop.Schedule(static listener => ((TransportListener)listener!).RetryOnLoop(), state),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        _retry.Change(RetryDelay, Timeout.InfiniteTimeSpan);

        _lastFailure = _timeProvider.GetTimestamp();
        if (!_failing)
        {
            _failing = true;
            _loop.Statistics.AcceptPauses++;
            TransportLog.AcceptPaused(_settings.Logger, EndPoint.ToString()!, reason, RetryDelay);
        }
    }

    int ILoopHandle.Place { get; set; }

    void ILoopHandle.AbortOnLoop() => StopOnLoop();

    /// <summary>The connection's own address: one object for all that have the same.</summary>
    private EndPoint? ReadLocal(int descriptor)
    {
        if (!_isBoundToAll)
        {
            return EndPoint;
        }

        EndPoint? local = SocketAddressReader.ReadLocal(descriptor);
        return _lastLocal = local?.Equals(_lastLocal) == true ? _lastLocal : local;
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
            ((IAcceptTarget)this).OnAccepted(_waiting.Dequeue());
        }

        if (_waiting.Count > 0)
        {
            return; // the timer runs again
        }

        int result = _acceptor.Resume();
        if (result < 0)
        {
            ((IAcceptTarget)this).OnAcceptError(-result, paused: true);
        }
    }

    private void ResumeOnLoop()
    {
        if (_queueFull && Volatile.Read(ref _queued) <= _maxQueued / 2)
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
        _accepted.Writer.Complete();
        _stopped.SetResult();
    }
}
