using System.Buffers;
using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// What a connection of version 2 knows beside its calls: what names stand for, credit, the peer's settings. Takes the frames from the read
/// loop, which everything here belongs to unless it says otherwise. This part is the connection's own frames; those of calls are in the other.
/// </summary>
internal sealed partial class RpcVersion2Session
{
    private readonly RpcServerConnection _connection;
    private readonly RpcDispatchTable _dispatch;
    private readonly RpcFloodGuard _floods;
    private bool _hasFrame;

    public RpcVersion2Session(RpcServerConnection connection)
    {
        _connection = connection;
        _dispatch = connection.Dispatch;
        _maxMessageLength = connection.Server.FrameLimits.MaxBodyLength;
        _maxConcurrentCalls = connection.Server.Live.MaxConcurrentCallsPerConnection;
        PeerLimits = RpcFrameRules.DefaultVersion2Limits;
        MaxReplyLength = _maxMessageLength;
        Credit = new RpcReplyCredit(connection.Replies);
        RequestCredit = new RpcRequestCredit(connection.Replies);
        _floods = new RpcFloodGuard(Server.Live.Floods, Server.TimeProvider);
        SendSettings();
    }

    public RpcServer Server => _connection.Server;

    public OutputQueue Replies => _connection.Replies;

    public ILogger Logger => _connection.Logger;

    public string ConnectionId => _connection.Connection.ConnectionId;

    public CancellationToken CallsCancelled => _connection.CallsCancelled;

    public RpcStatusCode CancelledBecause => _connection.CancelledBecause;

    /// <summary>The longest frames that the peer takes. The peer's settings come before any call, so replies see the last word.</summary>
    public RpcFrameLimits PeerLimits { get; private set; }

    /// <summary>The longest reply: what this side sends and the peer takes.</summary>
    public int MaxReplyLength { get; private set; }

    /// <summary>The longest body of a DATA frame of a stream: what the peer takes, and half of a call's credit, or both sides could wait for each other.</summary>
    public int LongestPiece { get; private set; } = PieceOf(RpcSettings.Default);

    /// <summary>The longest request, attachment included, and decompressed.</summary>
    public int MaxRequestLength => _maxMessageLength;

    /// <summary>Credit for what the peer sends. Any thread.</summary>
    public RpcRequestCredit RequestCredit { get; }

    /// <summary>Credit for replies in DATA frames. Any thread.</summary>
    public RpcReplyCredit Credit { get; }

    /// <summary>Takes a frame.</summary>
    /// <returns>False if the peer broke the protocol: it was told, and the connection ends.</returns>
    public bool OnFrame(in RpcFrame frame)
    {
        bool isFirst = !_hasFrame;
        _hasFrame = true;
        switch (frame.Header.Type)
        {
            case RpcFrameType.Request:
                return TryStartShort(frame) || (OnRequest(frame) && IsCalm());
            case RpcFrameType.Data:
                return OnData(frame) && IsCalm();
            case RpcFrameType.Cancel:
                return OnCancel(frame) && IsCalm();
            case RpcFrameType.Credit:
                return OnCredit(frame) && IsCalm();
            case RpcFrameType.Ping:
                _floods.OnPing(_connection.ReadAt);
                Answer(RpcControlFrame.ReadPing(frame.Body));
                return IsCalm();
            case RpcFrameType.Pong:
                _floods.OnPing(_connection.ReadAt); // nothing was asked
                return IsCalm();
            case RpcFrameType.GoAway:
                _floods.OnPing(_connection.ReadAt);
                return OnGoAway(frame) && IsCalm();
            case RpcFrameType.Settings when isFirst:
                return OnSettings(frame);
            default:
                return Refuse(RpcGoAwayCode.ProtocolError, $"A client must not send {frame.Header.Type} here.");
        }
    }

    /// <summary>Tells the peer about bytes that are no frame.</summary>
    public void Refuse(in RpcFrameError error)
    {
        bool isLimit = error.Kind is RpcFrameErrorKind.ProtocolDataTooLong or RpcFrameErrorKind.BodyTooLong;
        Refuse(isLimit ? RpcGoAwayCode.LimitExceeded : RpcGoAwayCode.ProtocolError, error.Describe());
    }

    /// <summary>Tells the peer that no more calls are taken.</summary>
    public void SayGoodbye(string reason) => SendGoAway(RpcGoAwayCode.Shutdown, reason);

    /// <summary>Nothing more is read: what waits for the peer is ended.</summary>
    public void OnInputOver()
    {
        foreach (RpcCall call in _incoming.Values)
        {
            call.Fault = RpcFault.Of(RpcStatusCode.Cancelled, "The request was not finished.");
            _connection.Reply(call);
        }

        _incoming.Clear();
        _active.ForEach(static call => call.Version2!.Stream?.OnInputOver());
        Credit.End();
    }

    private void Answer(ulong ping) =>
        _connection.SendControl(new RpcControlItem(output => RpcControlFrame.WritePong(output, ping)));

    private void SendSettings()
    {
        RpcSettings settings = new()
        {
            MaxConcurrentCalls = Server.Live.MaxConcurrentCallsPerConnection,
            MaxMessageLength = _maxMessageLength,
        };
        _connection.SendControl(new RpcControlItem(settings.Write));
    }

    private bool OnSettings(in RpcFrame frame)
    {
        using RpcHeaderBytes bytes = new(frame.ProtocolData);
        RpcHeaderError error = RpcSettings.Read(bytes.Span, out RpcSettings settings);
        if (error != RpcHeaderError.None)
        {
            return Refuse(error, frame);
        }

        PeerLimits = new RpcFrameLimits { MaxBodyLength = settings.MaxFrameBodyLength };
        MaxReplyLength = Math.Min(_maxMessageLength, settings.MaxMessageLength);
        LongestPiece = PieceOf(settings);
        return Credit.TrySet(settings) || Refuse(RpcGoAwayCode.FlowControlError, "The settings grant too much credit.");
    }

    private static int PieceOf(RpcSettings settings) =>
        Math.Min(settings.MaxFrameBodyLength, (Math.Min(settings.InitialCallCredit, settings.ConnectionCredit) / 2) - RpcCredit.FrameCost);

    private bool OnCredit(in RpcFrame frame)
    {
        using RpcHeaderBytes bytes = new(frame.ProtocolData);
        RpcHeaderError error = RpcControlFrame.ReadCredit(bytes.Span, out int granted);
        if (error != RpcHeaderError.None)
        {
            return Refuse(error, frame);
        }

        _floods.OnGrant(granted, _connection.ReadAt);
        return TryAddCredit(frame.Header.SequenceId, granted) || Refuse(RpcGoAwayCode.FlowControlError, "The credit is more than there can be.");
    }

    private bool TryAddCredit(uint id, int granted)
    {
        if (id == 0)
        {
            return Credit.TryAdd(granted);
        }

        if (_active.Find(id)?.Version2 is { } call)
        {
            return Credit.TryAdd(call, granted);
        }

        _floods.OnStray(_connection.ReadAt);
        return true;
    }

    // A client that makes no more calls, or found a fault in what it got: it ends the connection itself.
    private bool OnGoAway(in RpcFrame frame)
    {
        using RpcHeaderBytes bytes = new(frame.ProtocolData);
        RpcHeaderError error = RpcControlFrame.ReadGoAway(bytes.Span, out RpcGoAwayCode code, out ReadOnlySpan<byte> message);
        if (error != RpcHeaderError.None)
        {
            return Refuse(error, frame);
        }

        if (code != RpcGoAwayCode.Shutdown)
        {
            Log.PeerGoesAway(Logger, ConnectionId, code, RpcNames.ForLog(System.Text.Encoding.UTF8.GetString(message)));
        }

        return true;
    }

    // False if the peer has sent too much that is of no use: it was told, and the connection ends.
    private bool IsCalm()
    {
        if (_floods.Excess is not { } reason)
        {
            return true;
        }

        Server.Observer.OnConnectionClosed("flood");
        Log.Flooded(Logger, ConnectionId, reason);
        SendGoAway(RpcGoAwayCode.EnhanceYourCalm, reason);
        return false;
    }

    private bool Refuse(RpcHeaderError error, in RpcFrame frame) =>
        Refuse(RpcGoAwayCode.ProtocolError, $"The header of a {frame.Header.Type} frame is refused: {error}.");

    private bool Refuse(RpcGoAwayCode code, string reason)
    {
        Server.Observer.OnConnectionClosed("bad_frame");
        Log.BadFrame(Logger, ConnectionId, reason);
        SendGoAway(code, reason);
        return false;
    }

    private void SendGoAway(RpcGoAwayCode code, string message)
    {
        RpcControlItem item = new(output => RpcControlFrame.WriteGoAway(output, code, message));
        if (code == RpcGoAwayCode.Shutdown)
        {
            _connection.SendControl(item);
        }
        else
        {
            // Nothing follows it.
            _ = Replies.CloseAsync(item);
        }
    }
}
