using System.Net;
using System.Net.Sockets;
using Kestrel.Rpc.Transport.Native;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// One try to connect to one address, on one loop. Whoever wants it to end earlier only asks for that: the loop ends it, closes
/// the socket when the kernel has let go of it, and only then is the result known.
/// </summary>
internal sealed class ConnectAttempt : ILoopHandle
{
    // A Unix socket whose listener's queue is full says so at once, and nothing tells when there is room again.
    private static readonly TimeSpan QueueFullDelay = TimeSpan.FromMilliseconds(10);

    private readonly EventLoop _loop; // has counted the connection already
    private readonly EndPoint _endPoint;
    private readonly ConnectionSettings _settings;
    private readonly TimeProvider _timeProvider;
    private readonly TaskCompletionSource<TransportConnection> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly LoopOperation _delay = new();

    private int _end; // an EndCause: the first one counts; any thread
    private LoopConnector? _connector; // loop thread only, like all below
    private bool _canceled;
    private ITimer? _delayTimer;
    private bool _delaying;

    public ConnectAttempt(EventLoop loop, EndPoint endPoint, ConnectionSettings settings, TimeProvider timeProvider)
    {
        _loop = loop;
        _endPoint = endPoint;
        _settings = settings;
        _timeProvider = timeProvider;
    }

    private enum EndCause
    {
        None,
        TimeOut,
        Token,
        Stop,
    }

    /// <summary>Connects; any thread, once.</summary>
    /// <exception cref="SocketException">Refused, unreachable, out of descriptors, or not in time.</exception>
    /// <exception cref="OperationCanceledException">The token fired first.</exception>
    /// <exception cref="ObjectDisposedException">The transport stopped.</exception>
    public async Task<TransportConnection> RunAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        _loop.Schedule(static attempt => ((ConnectAttempt)attempt!).ConnectOnLoop(), this);

        using ITimer timer = _timeProvider.CreateTimer(
            static attempt => ((ConnectAttempt)attempt!).End(EndCause.TimeOut), this, limit, Timeout.InfiniteTimeSpan);
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static attempt => ((ConnectAttempt)attempt!).End(EndCause.Token), this);
        try
        {
            return await _result.Task.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // What the loop says when it was told to end: only here is it known to whom that is told.
            throw (EndCause)Volatile.Read(ref _end) switch
            {
                EndCause.TimeOut => ConnectErrors.TimedOut(_endPoint, limit),
                EndCause.Token => new OperationCanceledException(cancellationToken),
                _ => new ObjectDisposedException(nameof(IConnectionFactory), "The transport was stopped."),
            };
        }
    }

    int ILoopHandle.Place { get; set; }

    void ILoopHandle.AbortOnLoop()
    {
        Interlocked.CompareExchange(ref _end, (int)EndCause.Stop, (int)EndCause.None);
        CancelOnLoop();
    }

    private void End(EndCause cause)
    {
        if (Interlocked.CompareExchange(ref _end, (int)cause, (int)EndCause.None) == (int)EndCause.None)
        {
            _loop.Schedule(static attempt => ((ConnectAttempt)attempt!).CancelOnLoop(), this);
        }
    }

    private void CancelOnLoop()
    {
        _canceled = true;
        _connector?.Cancel();
        EndDelayOnLoop();
    }

    /// <remarks>It awaits operations of the loop only, so all of it runs on the loop's thread.</remarks>
    private async void ConnectOnLoop()
    {
        if (!_loop.IsOnLoop)
        {
            _result.SetCanceled(CancellationToken.None); // the loop has ended: what was posted to it runs on the thread pool
            return;
        }

        _loop.RegisterOnLoop(this); // cancels at once if the loop is stopping
        LoopConnector? connector = null;
        TransportConnection? connection = null;
        Exception? fault = null;
        int result = 0;
        try
        {
            connector = _connector = _loop.CreateConnector(_endPoint.Serialize());
            result = connector.Open();
            if (result == 0)
            {
                Configure(connector);
            }

            while (result == 0 && !_canceled)
            {
                result = await connector.ConnectAsync();
                if (result != -Errno.EAGAIN || !connector.IsUnix || _canceled)
                {
                    break;
                }

                result = await DelayAsync();
            }

            if (result == 0 && IsConnectedToItself(connector.Descriptor))
            {
                result = -Errno.ECONNREFUSED;
            }

            if (result == 0 && !_canceled)
            {
                connection = new TransportConnection(_loop, connector.Descriptor, new PeerAddress(_endPoint), halfCloses: true);
                connector.Take();
                connection.Start();
            }
        }
        catch (Exception e)
        {
            fault = e; // the caller's: an end point of its own kind that cannot be serialised, no memory, a logger
        }

        _connector = null;
        _delayTimer?.Dispose();
        connector?.Close();
        _loop.UnregisterOnLoop(this);
        Finish(connection, result, fault);
    }

    private void Configure(LoopConnector connector)
    {
        if (_endPoint is IPEndPoint { Address.IsIPv4MappedToIPv6: true })
        {
            TcpOptions.SetDualMode(connector.Descriptor);
        }

        if (!connector.IsUnix && _settings.NoDelay)
        {
            TcpOptions.SetNoDelay(connector.Descriptor);
        }
    }

    /// <summary>
    /// Where nobody listens on a local port, the kernel may pick that very port for our own end, and TCP then connects the socket
    /// to itself. Somebody who dials a dead port often enough meets it.
    /// </summary>
    private bool IsConnectedToItself(int descriptor) =>
        _endPoint is IPEndPoint { Port: var port }
        && SocketAddressReader.ReadLocal(descriptor) is IPEndPoint local
        && local.Port == port
        && local.Equals(SocketAddressReader.ReadPeer(descriptor)?.ToEndPoint());

    private LoopOperation DelayAsync()
    {
        _delaying = true;
        _delayTimer ??= _timeProvider.CreateTimer(
            static state => ((ConnectAttempt)state!)._loop.Schedule(static attempt => ((ConnectAttempt)attempt!).EndDelayOnLoop(), state),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        _delayTimer.Change(QueueFullDelay, Timeout.InfiniteTimeSpan);
        return _delay;
    }

    private void EndDelayOnLoop()
    {
        if (_delaying)
        {
            _delaying = false;
            _delay.Complete(0);
        }
    }

    private void Finish(TransportConnection? connection, int result, Exception? fault)
    {
        if (connection is null)
        {
            _loop.RemoveConnection();
        }

        if (fault is not null)
        {
            _result.SetException(fault);
        }
        else if (connection is not null)
        {
            _result.SetResult(connection);
        }
        else if (_canceled)
        {
            _result.SetCanceled(CancellationToken.None);
        }
        else
        {
            _result.SetException(ConnectErrors.Refused(_endPoint, -result));
        }
    }
}
