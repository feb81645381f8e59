using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// Connects over io_uring, or over epoll where the kernel has no usable io_uring, on event loops of its own: for clients
/// without a host. In a host take <c>AddIoUringConnectionFactory</c>, which shares the loops with Kestrel's end points.
/// Every member is safe to call from any thread.
/// </summary>
public sealed class IoUringConnectionFactory : IConnectionFactory, IAsyncDisposable
{
    private readonly IoUringTransportFactory _transport;

    /// <summary>Creates a factory; its loops start when it connects for the first time.</summary>
    /// <param name="options">The options, which nobody may change afterwards; null for the defaults.</param>
    /// <param name="loggerFactory">Where the transport logs to; null for nowhere.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public IoUringConnectionFactory(IoUringTransportOptions? options = null, ILoggerFactory? loggerFactory = null) =>
        _transport = new IoUringTransportFactory(
            Options.Create(options ?? new IoUringTransportOptions()), loggerFactory ?? NullLoggerFactory.Instance);

    /// <summary>
    /// Connects to a TCP end point by address or name (<see cref="IPEndPoint"/>, <see cref="DnsEndPoint"/>), or to a Unix socket.
    /// A name's addresses are tried in turn. Completes on the thread pool. Completing the connection's output sends FIN and leaves
    /// the input alone; disposing the connection sends what is left and closes.
    /// </summary>
    /// <param name="endpoint">Where to.</param>
    /// <param name="cancellationToken">Gives up connecting. No effect on the connection made.</param>
    /// <returns>The connection, open.</returns>
    /// <exception cref="System.Net.Sockets.SocketException">
    /// It cannot be reached, the name is not known, the process is out of descriptors; not within
    /// <see cref="LinuxTransportOptions.ConnectTimeout"/> (<see cref="System.Net.Sockets.SocketError.TimedOut"/>).
    /// </exception>
    /// <exception cref="OperationCanceledException">The token fired first.</exception>
    /// <exception cref="NotSupportedException">An end point of another kind.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel refuses io_uring, and the options forbid to fall back.</exception>
    /// <exception cref="ObjectDisposedException">The factory was disposed, before or meanwhile.</exception>
    public ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        _transport.ConnectAsync(endpoint, cancellationToken);

    /// <summary>Aborts what is still connected or connecting, and ends the loops.</summary>
    public ValueTask DisposeAsync() => _transport.DisposeAsync();
}
