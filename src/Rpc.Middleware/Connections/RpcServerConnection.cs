using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// One connection: reads frames, starts calls, ends when the peer or the host does. What was read is answered before the
/// connection closes, unless nobody is there to get it. This part is its life; the read loop is in the other one.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "RunAsync disposes of the timer when it ends; the source has none.")]
internal sealed partial class RpcServerConnection : IOutputOwner
{
    // How long, and how much, a peer may go on sending a frame that was refused. Closing at once would answer those bytes
    // with a reset, which may overtake the error reply.
    private static readonly TimeSpan DiscardTime = TimeSpan.FromSeconds(1);
    private const long MaxDiscarded = 16 * 1024 * 1024;

    private readonly PipeReader _input;
    private readonly CancellationTokenSource _callsCancelled = new();
    private volatile bool _isTransportClosed;
    private int _isAborted;

    public RpcServerConnection(RpcServer server, ConnectionContext connection, RpcDispatchTable dispatch, IRpcProtocol? protocol = null)
    {
        Server = server;
        Connection = connection;
        CallsCancelled = _callsCancelled.Token;
        _input = connection.Transport.Input;
        Dispatch = dispatch;
        _rules = server.FrameRules;
        _maxConcurrentCalls = server.Live.MaxConcurrentCallsPerConnection;
        Calls = new RpcCallPool(this);
        Replies = new OutputQueue(connection.Transport.Output, this, server.Live.FlushEachReply);
        Protocol = protocol?.Name ?? NativePortProtocol.Name;
        Plugged = protocol is null ? null : new RpcPluggedSession(this, protocol);
        _verification = server.Authenticator is null ? null : new RpcVerification(this, server.Authenticator);
        _isSpecial = Plugged is not null || _verification is not null;
    }

    public RpcServer Server { get; }

    public ConnectionContext Connection { get; }

    public RpcCallPool Calls { get; }

    public OutputQueue Replies { get; }

    /// <summary>The methods that the end point of the connection serves.</summary>
    public RpcDispatchTable Dispatch { get; }

    /// <summary>Set with the first frame, if that is of version 2.</summary>
    public RpcVersion2Session? Version2 { get; private set; }

    /// <summary>Of a connection of a protocol that the application has brought.</summary>
    public RpcPluggedSession? Plugged { get; }

    /// <summary>The name of the connection's protocol.</summary>
    public string Protocol { get; }

    public ILogger Logger => Server.Logger;

    /// <summary>Cancelled when nobody waits for replies any more.</summary>
    public CancellationToken CallsCancelled { get; }

    private bool IsAborted => Volatile.Read(ref _isAborted) != 0;

    public async Task RunAsync()
    {
        _around = Activity.Current?.Context;
        if (Plugged is not null)
        {
            CountIn();
        }

        CancellationToken stopRequested =
            Connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
        using RpcHeartbeat.Entry watched = Server.Heartbeat.Add(this);
        RefuseIfTooMany();
        await using (stopRequested.UnsafeRegister(static state => ((RpcServerConnection)state!).OnStopRequested(), this))
        await using (Connection.ConnectionClosed.UnsafeRegister(static state => ((RpcServerConnection)state!).OnTransportClosed(), this))
        {
            try
            {
                await ReadAsync();
            }
            catch (Exception exception)
            {
                // A reset, an abort, a TLS stream that failed; anything else is a defect of ours. Nothing can be read any more.
                if (TryBeginAbort())
                {
                    LogReadFault(exception);
                    Abort("The connection failed.");
                }
            }

            _hasReadingEnded = true;
            if (Version2 is not null)
            {
                Version2.OnInputOver();
            }

            Plugged?.OnInputOver();
            StartLast();
            EndBatch();

            // Calls that were read are answered, and none runs on without its connection.
            while (Replies.Finished < _started || Replies.IsFlushing)
            {
                AbortIfPeerIsGone();
                await Replies.WaitAsync(_started);
            }

            if (!IsAborted && _discardable > 0)
            {
                await DiscardAsync();
            }

            // Credit that is given back late is for nobody, and the output may soon be somebody else's to end.
            await Replies.CloseAsync();
            LimitWhatIsUnsent();
            CountOut();
        }

        // Nothing registered runs any more, so nobody creates a timer now.
        await DisposeTimersAsync();
    }

    // Reading has ended because the host stops, say; a reset is still an end of the calls. Once the peer has ended its sending
    // the input tells nothing more: then only writing a reply shows that the peer is gone.
    private void AbortIfPeerIsGone()
    {
        if (!_isTransportClosed || _isInputOver || IsAborted)
        {
            return;
        }

        _isInputOver = true;
        try
        {
            ProbeInput();
        }
        catch (Exception exception)
        {
            // As in RunAsync.
            if (TryBeginAbort())
            {
                LogReadFault(exception);
                Abort("The connection failed.");
            }
        }
    }

    /// <inheritdoc/>
    public void OnOutputBroken(Exception? exception)
    {
        if (TryBeginAbort())
        {
            Log.OutputBroken(Logger, Connection.ConnectionId, exception?.Message ?? "The transport has ended its output.");
            Abort("The replies cannot be sent.");
        }
    }

    // The peer has ended its sending, or everything is over: only the input can tell which.
    private void OnTransportClosed()
    {
        _isTransportClosed = true;
        Replies.Wake();
    }

    // What fails first is logged and ends the connection; the rest follows from that.
    private bool TryBeginAbort() => Interlocked.Exchange(ref _isAborted, 1) == 0;

    private void Abort(string reason)
    {
        CancelCalls();
        Connection.Abort(new ConnectionAbortedException(reason));
        _input.CancelPendingRead();
        Replies.Wake();
    }

    private void CancelCalls() => RpcCancellation.Cancel(_callsCancelled, Logger, Connection.ConnectionId);

    private void LogReadFault(Exception exception)
    {
        if (exception is IOException or OperationCanceledException or ObjectDisposedException)
        {
            Log.ConnectionFailed(Logger, Connection.ConnectionId, exception.Message);
        }
        else
        {
            Log.ConnectionDefect(Logger, Connection.ConnectionId, exception);
        }
    }

    private async Task DiscardAsync()
    {
        await using ITimer timer = Server.TimeProvider.CreateTimer(
            static state => ((PipeReader)state!).CancelPendingRead(), _input, DiscardTime, Timeout.InfiniteTimeSpan);
        try
        {
            while (_discardable > 0)
            {
                ReadResult result = await _input.ReadAsync();
                _discardable -= result.Buffer.Length;
                _input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted || result.IsCanceled)
                {
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The peer is gone, which is what this waits for.
            Log.ConnectionFailed(Logger, Connection.ConnectionId, exception.Message);
        }
    }
}
