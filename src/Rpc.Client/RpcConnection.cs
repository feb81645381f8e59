using System.IO.Pipelines;
using System.Net;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Client;

/// <summary>
/// One multiplexed connection: any number of calls at once, replies in any order. Every member is safe to call from any
/// thread. A connection that has failed stays failed: each call then fails at once, and a new connection has to be made.
/// </summary>
public sealed partial class RpcConnection : RpcCallInvoker, ISessionOwner, IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly IDuplexPipe _transport;
    private readonly ConnectionContext? _connection; // null over bare pipes
    private readonly string _id;
    private readonly TimeSpan _closeTimeout;
    private readonly bool _followsAmbientCall;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;
    private readonly RpcSession _session;
    private readonly MethodNameCache _names = new();
    private readonly TaskCompletionSource _goingAway = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _reading = new(TaskCreationOptions.RunContinuationsAsynchronously); // ends with the read loop
    private RpcException? _closeReason; // set once, under _lock

    private RpcConnection(IDuplexPipe transport, ConnectionContext? connection, RpcConnectionOptions options, uint lastSequenceId)
    {
        _transport = transport;
        _connection = connection;
        _id = connection?.ConnectionId ?? Guid.CreateVersion7().ToString("N");
        _closeTimeout = options.CloseTimeout;
        _followsAmbientCall = options.FollowsAmbientCall;
        _timeProvider = options.TimeProvider;
        _logger = options.LoggerFactory.CreateLogger<RpcConnection>();
        _session = options.GetVersion() == RpcFrameHeader.Version1
            ? new Version1Session(this, transport.Output, options, lastSequenceId)
            : new Version2Session(this, transport.Output, options, lastSequenceId);
        LocalEndPoint = connection?.LocalEndPoint;
        RemoteEndPoint = connection?.RemoteEndPoint;
        Log.ConnectionOpened(_logger, _id, RemoteEndPoint);
        _session.Start();

        // Started last; on the pool, so that a transport with bytes in hand does not run in here, and without the ambient
        // context of whoever connects, which the loop would keep alive.
        ThreadPool.UnsafeQueueUserWorkItem(static connection => _ = connection.ReadAsync(), this, preferLocal: false);
    }

    /// <summary>The own end point, if the transport knows it.</summary>
    public EndPoint? LocalEndPoint { get; }

    /// <summary>The peer's end point, if the transport knows it.</summary>
    public EndPoint? RemoteEndPoint { get; }

    /// <summary>
    /// Ends when the connection takes no new calls: the server has said that it goes (version 2), or the connection is closed. Calls under
    /// way may still end well. Never faults.
    /// </summary>
    public Task GoingAway => _goingAway.Task;

    /// <summary>Ends when the connection is closed: here, by the peer, or by an error. Never faults.</summary>
    public Task Closed => _closed.Task;

    /// <summary>How many calls wait for a reply.</summary>
    internal int PendingCalls => _session.Calls.Count;

    /// <summary>How many calls have ended here and not at the server. Version 2.</summary>
    internal int AbandonedCalls => _session.Calls.Abandoned;

    /// <summary>How many calls wait for credit. Version 2.</summary>
    internal int ParkedCalls => (_session as Version2Session)?.Flow.Parked ?? 0;

    /// <summary>How many requests wait to be written.</summary>
    internal long QueuedCalls => _session.Requests.Count;

    /// <summary>Bytes of the requests that wait serialised.</summary>
    internal long QueuedBytes => _session.Requests.Bytes;

    string ISessionOwner.Id => _id;

    ILogger ISessionOwner.Logger => _logger;

    RpcException? ISessionOwner.CloseReason => _closeReason;

    /// <summary>Connects over a plain socket.</summary>
    /// <param name="endPoint">An <see cref="IPEndPoint"/>, <see cref="DnsEndPoint"/> or Unix socket.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <param name="cancellationToken">Gives up connecting. No effect on the connection made.</param>
    /// <returns>The connection, open.</returns>
    /// <exception cref="RpcException">
    /// <see cref="RpcErrorCode.Connection"/>: it cannot be reached. <see cref="RpcErrorCode.Timeout"/>: not in time.
    /// </exception>
    /// <exception cref="InvalidOperationException"><see cref="RpcConnectionOptions.Tls"/> does not name the server.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public static Task<RpcConnection> ConnectAsync(
        EndPoint endPoint,
        RpcConnectionOptions? options = null,
        CancellationToken cancellationToken = default) =>
        ConnectAsync(SocketConnectionFactory.Instance, endPoint, options, cancellationToken);

    /// <summary>Connects over any transport.</summary>
    /// <param name="connectionFactory">The transport.</param>
    /// <param name="endPoint">An end point the transport knows.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <param name="cancellationToken">Gives up connecting. No effect on the connection made.</param>
    /// <returns>The connection, open.</returns>
    /// <exception cref="RpcException">
    /// <see cref="RpcErrorCode.Connection"/>: it cannot be reached. <see cref="RpcErrorCode.Timeout"/>: not in time.
    /// </exception>
    /// <exception cref="InvalidOperationException"><see cref="RpcConnectionOptions.Tls"/> does not name the server.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public static async Task<RpcConnection> ConnectAsync(
        IConnectionFactory connectionFactory,
        EndPoint endPoint,
        RpcConnectionOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(connectionFactory);
        ArgumentNullException.ThrowIfNull(endPoint);
        options ??= new RpcConnectionOptions();
        options.ThrowIfNoTlsTarget();
        using CancellationTokenSource timeout = new(options.ConnectTimeout, options.TimeProvider);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            ConnectionContext connection = await connectionFactory.ConnectAsync(endPoint, either.Token).ConfigureAwait(false);
            return Create(
                options.Tls is null ? connection : await TlsConnection.AuthenticateAsync(connection, options.Tls, either.Token).ConfigureAwait(false), options);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // What a factory throws is its own affair; the caller gets one type with the cause inside.
            throw timeout.IsCancellationRequested
                ? new RpcException(RpcErrorCode.Timeout, $"Connecting to {endPoint} took longer than {options.ConnectTimeout}.", exception)
                : new RpcException(RpcErrorCode.Connection, $"Could not connect to {endPoint}: {exception.Message}", exception);
        }
        catch (Exception exception)
        {
            // Cancelled: the factory may say so in its own words, or name the linked token.
            throw new OperationCanceledException(exception.Message, exception, cancellationToken);
        }
    }

    /// <summary>Takes over a connection that is open. It is closed and disposed of with the result.</summary>
    /// <param name="connection">The connection; nobody else may read or write it any more.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <returns>The connection.</returns>
    public static RpcConnection Create(ConnectionContext connection, RpcConnectionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return new RpcConnection(connection.Transport, connection, options ?? new RpcConnectionOptions(), lastSequenceId: 0);
    }

    /// <summary>Takes over a pair of pipes. Both are completed with the result.</summary>
    /// <param name="transport">The pipes; nobody else may use these ends any more.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <returns>The connection.</returns>
    public static RpcConnection Create(IDuplexPipe transport, RpcConnectionOptions? options = null) =>
        Create(transport, options ?? new RpcConnectionOptions(), lastSequenceId: 0);

    /// <summary>Tests start near the end of the sequence ids.</summary>
    internal static RpcConnection Create(IDuplexPipe transport, RpcConnectionOptions options, uint lastSequenceId)
    {
        ArgumentNullException.ThrowIfNull(transport);
        return new RpcConnection(transport, null, options, lastSequenceId);
    }
}
