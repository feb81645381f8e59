using System.Diagnostics.CodeAnalysis;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The token of a pooled call: cancelled when its time is over, with its connection, or by <see cref="Cancel"/>. Its sources serve the next call
/// too, unless they were cancelled. Belongs to whoever has the call.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A source whose timer does not run holds nothing.")]
internal sealed class RpcCallCancellation
{
    private readonly RpcServerConnection _connection;
    private readonly Action<object?> _cancel;
    private CancellationTokenSource? _source; // what the handler sees
    private CancellationTokenSource? _clock; // of calls with a time limit: its timer must not run callbacks of the application, which may throw
    private CancellationTokenRegistration _connectionEnded;

    public RpcCallCancellation(RpcServerConnection connection)
    {
        _connection = connection;
        _cancel = source => RpcCancellation.Cancel((CancellationTokenSource)source!, connection.Logger, connection.Connection.ConnectionId);
    }

    /// <summary>Whether the call has a token.</summary>
    public bool IsStarted { get; private set; }

    public bool IsCancellationRequested => IsStarted && _source!.IsCancellationRequested;

    /// <summary>The token, once it is started.</summary>
    public CancellationToken Token => _source!.Token;

    /// <summary>Makes the token of a call.</summary>
    /// <param name="left">The time that it has; null without a limit.</param>
    public void Start(TimeSpan? left)
    {
        IsStarted = true;
        if (_source is null || _source.IsCancellationRequested)
        {
            // Cancelled: by a CANCEL that came when the call before had just ended.
            _source = new CancellationTokenSource();
        }

        _connectionEnded = _connection.CallsCancelled.UnsafeRegister(_cancel, _source);
        if (left < SniffTimer.Longest)
        {
            _clock ??= new CancellationTokenSource(Timeout.InfiniteTimeSpan, _connection.Server.TimeProvider);
            _clock.Token.UnsafeRegister(_cancel, _source);
            _clock.CancelAfter(left > TimeSpan.Zero ? left.Value : TimeSpan.Zero);
        }
    }

    /// <summary>Cancels the token, if there is one. Any thread that knows the call to be under way, or no other to begin meanwhile.</summary>
    public void Cancel()
    {
        if (_source is { } source)
        {
            _cancel(source);
        }
    }

    /// <summary>Lets go of the connection, for a call that something of the application still uses.</summary>
    public void Abandon() => _connectionEnded.Unregister();

    /// <summary>Forgets the token.</summary>
    public void Reset()
    {
        if (!IsStarted)
        {
            return;
        }

        IsStarted = false;
        bool isConnectionAlive = _connectionEnded.Unregister();
        _connectionEnded = default;
        if (_clock is not null && !_clock.TryReset())
        {
            // Its timer may be cancelling the source right now.
            _clock = null;
            _source = null;
        }
        else if (!isConnectionAlive || !_source!.TryReset())
        {
            // Not disposed of: somebody may be cancelling it right now.
            _source = null;
        }
    }
}
