using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// What Kestrel asks to listen on an end point, and a client to connect to one (<c>.Connecting</c>). The loops start with the first
/// of them and serve all until the host disposes its services: they outlive every listener.
/// </summary>
internal abstract partial class TransportFactory
    : IConnectionListenerFactory, IConnectionListenerFactorySelector, IConnectionFactory, IDisposable, IAsyncDisposable
{
    private readonly LinuxTransportOptions _options;
    private readonly IMemoryPoolFactory<byte> _memoryPools;
    private readonly TimeProvider _timeProvider;
    private readonly TransportMeter _meter;
    private readonly bool _ownsMeter;
    private readonly Lock _lock = new();
    private EventLoopGroup? _loops; // guarded by _lock
    private ConnectionSettings? _settings; // set with _loops
    private bool _disposed; // guarded by _lock

    protected TransportFactory(
        LinuxTransportOptions options,
        IMemoryPoolFactory<byte>? memoryPools,
        ILogger logger,
        TimeProvider? timeProvider,
        TransportMeter? meter)
    {
        OptionsCheck.Validate(options);
        _ownsMeter = meter is null;
        _meter = meter ?? new TransportMeter();
        _options = options;
        _memoryPools = memoryPools ?? BlockPoolFactory.Instance; // without Kestrel there is none among the services
        _timeProvider = timeProvider ?? TimeProvider.System;
        Logger = new GuardedLogger(logger);
    }

    /// <summary>The running loops; <see langword="null"/> before the first end point is bound.</summary>
    public EventLoopGroup? Loops => _loops;

    protected ILogger Logger { get; }

    public bool CanBind(EndPoint endpoint) => ListenSocket.Supports(endpoint);

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        cancellationToken.ThrowIfCancellationRequested();
        if (!CanBind(endpoint))
        {
            throw new NotSupportedException($"This transport cannot listen on {endpoint} ({endpoint.GetType().Name}).");
        }

        EventLoopGroup loops = StartLoops();
        return ValueTask.FromResult<IConnectionListener>(
            new TransportListener(endpoint, Listen(endpoint, loops.Loops.Count), loops, _settings!, _options.Backlog, _timeProvider));
    }

    public void Dispose()
    {
        EventLoopGroup? loops;
        lock (_lock)
        {
            loops = _disposed ? null : _loops; // registered under several interfaces, the container disposes it several times
            _disposed = true;
        }

        if (loops is not null)
        {
            _meter.Remove(loops); // first: what has ended reports nothing
            loops.Dispose();
        }

        if (_ownsMeter)
        {
            _meter.Dispose();
        }
    }

    /// <summary>As <see cref="Dispose"/>, without keeping the caller's thread while the loops end, unless it is one of theirs.</summary>
    public ValueTask DisposeAsync()
    {
        if (_loops?.IsOnOne != true)
        {
            return new ValueTask(Task.Run(Dispose));
        }

        Dispose(); // an inline application that ends its host may block until that has happened: only here the loop is known not to end before
        return ValueTask.CompletedTask;
    }

    /// <summary>Starts <paramref name="count"/> loops of the engine, or of the one that stands in for it.</summary>
    protected abstract EventLoopGroup StartLoops(int count, ConnectionSettings settings);

    /// <summary>Starts loops of one engine and says so in the log.</summary>
    protected EventLoopGroup StartLoops(string engine, int count, Func<string, System.Buffers.MemoryPool<byte>, EventLoop> create)
    {
        EventLoopGroup loops = EventLoopGroup.Start(count, index =>
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"kestrel-{engine}-{index}");
            return create(name, CreateMemoryPool(name));
        });
        string processors = _options.LoopProcessors.Count == 0 ? "any" : string.Join(",", _options.LoopProcessors);
        foreach (IGrouping<string, EventLoop> mode in loops.Loops.GroupBy(loop => loop.Mode!.Wait))
        {
            // One line, unless the kernel granted one loop what it refused another.
            TransportLog.TransportStarted(Logger, engine, mode.Count(), mode.Key, processors, _options.ApplicationScheduling);
        }

        return loops;
    }

    protected System.Buffers.MemoryPool<byte> CreateMemoryPool(string owner) => _memoryPools.Create(new MemoryPoolOptions { Owner = owner });

    private Socket[] Listen(EndPoint endPoint, int loops)
    {
        if (_options.AcceptStrategy != AcceptStrategy.ReusePort)
        {
            return [ListenSocket.Create(endPoint, _options.Backlog)];
        }

        if (ListenSocket.SupportsReusePort(endPoint))
        {
            return ListenSocket.CreateGroup(endPoint, _options.Backlog, loops);
        }

        Socket socket = ListenSocket.Create(endPoint, _options.Backlog);
        TransportLog.ReusePortNotPossible(Logger, (socket.LocalEndPoint ?? endPoint).ToString()!);
        return [socket];
    }

    private EventLoopGroup StartLoops()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _settings ??= new ConnectionSettings(_options, Logger, _timeProvider)
            {
                Limit = _options.MaxConnections is { } maximum ? new ConnectionLimit(maximum, Logger, _timeProvider) : null,
            };
            if (_loops is null)
            {
                _loops = StartLoops(LoopCount(_options), _settings);
                _meter.Add(_loops);
            }

            return _loops;
        }
    }

    // On the thread pool the application does most of the work, so a loop serves two processors; inline it does all of it.
    private static int LoopCount(LinuxTransportOptions options) => options.LoopCount ?? options.ApplicationScheduling switch
    {
        _ when options.LoopProcessors.Count > 0 => options.LoopProcessors.Count,
        ApplicationScheduling.Inline => Environment.ProcessorCount,
        _ => Math.Clamp(Environment.ProcessorCount / 2, 1, 16),
    };
}
