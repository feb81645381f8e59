using System.Buffers;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// A connection of a protocol that the application has brought, between its session and the read loop of the connection, which everything here
/// belongs to unless it says otherwise.
/// </summary>
internal sealed class RpcPluggedSession : IRpcProtocolServer
{
    private readonly RpcServerConnection _connection;
    private readonly string _name;
    private readonly List<HeldCall> _held = []; // what the first request has started, until the connection is verified
    private RpcVerification? _verification;

    public RpcPluggedSession(RpcServerConnection connection, IRpcProtocol protocol)
    {
        _connection = connection;
        _name = protocol.Name;
        Writer = new CountingWriter();
        Session = protocol.Open(this);
    }

    public ConnectionContext Connection => _connection.Connection;

    public RpcFrameLimits Limits => _connection.Server.FrameLimits;

    public IRpcProtocolSession Session { get; }

    /// <summary>Of the output's writer.</summary>
    public CountingWriter Writer { get; }

    // What no message within the limits reaches; a protocol that looks at lengths never comes so far.
    private long MostUnread => (long)Limits.MaxProtocolDataLength + Limits.MaxBodyLength + 4096;

    /// <summary>Takes the next message.</summary>
    /// <param name="buffer">Moved behind the message.</param>
    /// <param name="verification">What must come before the first call; null if the connection is verified.</param>
    public RpcPluggedProgress Next(ref ReadOnlySequence<byte> buffer, RpcVerification? verification)
    {
        if (buffer.IsEmpty)
        {
            return RpcPluggedProgress.NeedMore;
        }

        long before = buffer.Length;
        _verification = verification;
        switch (Session.TryParse(ref buffer, out RpcProtocolMessage message))
        {
            case RpcParseStatus.NeedMore when before <= MostUnread:
                return RpcPluggedProgress.NeedMore;
            case RpcParseStatus.NeedMore:
                return Refuse($"{_name} wants more than {MostUnread} bytes for one message.");
            case RpcParseStatus.Message when buffer.Length < before:
                break;
            case RpcParseStatus.Message:
                throw new InvalidOperationException($"The protocol '{_name}' has found a message and consumed none of it.");
            default:
                return Refuse(message.Fault ?? $"Bytes that are no message of {_name}.");
        }

        if (!(message.IsResponse ? Session.ProcessResponse(message) : Session.ProcessRequest(message)))
        {
            return Refuse(message.Fault ?? (message.IsResponse ? "An answer that nobody has asked for." : $"{_name} ends the connection."));
        }

        return _held.Count > 0 ? RpcPluggedProgress.Unverified : RpcPluggedProgress.Started;
    }

    public void Start(in RpcProtocolRequest request)
    {
        RpcCall call = StartCall(request);
        if (_verification is null)
        {
            Run(call, request.Method, request.Body);
            return;
        }

        if (_held.Count == 0)
        {
            _verification.Describe(request);
        }

        // Copied: more is read before the verification has ended.
        _held.Add(new HeldCall(call, request.Method.ToArray(), call.Plugged!.IsWithinLimits ? request.Body.ToArray() : []));
    }

    public void Refuse(in RpcProtocolRequest request, RpcStatus status)
    {
        ArgumentNullException.ThrowIfNull(status);
        Fail(StartCall(request), RpcFault.Of(status.Code, status.Message));
    }

    public void Send(Action<IBufferWriter<byte>> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        _connection.SendControl(new RpcControlItem(output => Writer.Write(output, write)));
    }

    /// <summary>Starts what waited for the verification.</summary>
    public void StartHeld()
    {
        foreach (HeldCall held in _held)
        {
            Run(held.Call, held.Method, new ReadOnlySequence<byte>(held.Body));
        }

        _held.Clear();
        _verification = null;
    }

    /// <summary>Answers what waited for the verification.</summary>
    public void RefuseHeld(RpcFault fault)
    {
        foreach (HeldCall held in _held)
        {
            held.Call.Fault = fault;
            _connection.Reply(held.Call);
        }

        _held.Clear();
    }

    /// <summary>Nothing more is read: what still waits for the verification is ended.</summary>
    public void OnInputOver() => RefuseHeld(RpcFault.Of(RpcStatusCode.Cancelled, "The connection ends.") with { IsNotProcessed = true });

    private RpcCall StartCall(in RpcProtocolRequest request)
    {
        RpcCall call = _connection.StartCall((uint)request.Id);
        call.Plugged!.Start(request, isWithinLimits: request.Body.Length + request.Attachment.Length <= Limits.MaxBodyLength);
        return call;
    }

    private void Run(RpcCall call, ReadOnlySpan<byte> method, in ReadOnlySequence<byte> body)
    {
        RpcRoute? route = _connection.Dispatch.Find(method, out RpcFault fault);
        call.NoteRoute(route);
        if (route is null)
        {
            Fail(call, fault);
        }
        else if (_connection.IsDraining)
        {
            Fail(call, _connection.FarewellTo(route.Name));
        }
        else if (!call.Plugged!.IsWithinLimits)
        {
            Fail(call, RpcFault.Of(RpcStatusCode.ResourceExhausted, $"A message of more than {Limits.MaxBodyLength} bytes is over the limit.", route.Name) with
            {
                IsNotProcessed = true, Rejection = RpcRejection.Size,
            });
        }
        else if (call.Plugged.Timeout <= TimeSpan.Zero)
        {
            Fail(call, RpcFault.Of(RpcStatusCode.DeadlineExceeded, "The time for the call was over when it came.", route.Name) with { IsNotProcessed = true });
        }
        else
        {
            _connection.Run(call, route, body);
        }
    }

    private void Fail(RpcCall call, RpcFault fault)
    {
        Log.CallNotDispatched(_connection.Logger, Connection.ConnectionId, RpcNames.ForLog(fault.Message));
        call.Fault = fault;
        _connection.Reply(call);
    }

    private RpcPluggedProgress Refuse(string reason)
    {
        _connection.Server.Observer.OnConnectionClosed("bad_frame");
        Log.BadFrame(_connection.Logger, Connection.ConnectionId, RpcNames.ForLog(reason));
        return RpcPluggedProgress.Refused;
    }

    private readonly record struct HeldCall(RpcCall Call, byte[] Method, byte[] Body);
}
