using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Transport;

/// <summary>What Kestrel asks to listen on an end point. Any thread.</summary>
internal sealed class InProcessListenerFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector, IDisposable
{
    private readonly InProcessTransportOptions _options;
    private readonly Lazy<InProcessSettings> _settings;
    private volatile bool _disposed;

    public InProcessListenerFactory(IOptions<InProcessTransportOptions> options, IMemoryPoolFactory<byte> memoryPools, ILoggerFactory loggers)
    {
        _options = options.Value;
        _settings = new Lazy<InProcessSettings>(() => new InProcessSettings(
            _options, memoryPools.Create(new MemoryPoolOptions { Owner = "in-process" }), loggers.CreateLogger("Kestrel.Rpc.Transport.InProcess")));
    }

    // Of others only what a socket could be bound to: whoever has an end point type of its own brings its own transport for it.
    public bool CanBind(EndPoint endpoint) => endpoint is InProcessEndPoint
        || (_options.ClaimEveryEndPoint && endpoint is (IPEndPoint or UnixDomainSocketEndPoint or FileHandleEndPoint));

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!CanBind(endpoint))
        {
            throw new NotSupportedException($"The in-process transport does not listen on {endpoint} ({endpoint.GetType().Name}).");
        }

        return ValueTask.FromResult<IConnectionListener>(_options.Network.Bind(endpoint, _settings.Value));
    }

    public void Dispose()
    {
        _disposed = true;
        if (_settings.IsValueCreated)
        {
            _settings.Value.MemoryPool.Dispose();
        }
    }
}
