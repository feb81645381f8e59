using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <content>Frames of version 1. Of the read loop alone.</content>
internal sealed partial class RpcServerConnection
{
    private RpcSpelling? _lastCalled;

    // False if what follows cannot be read: the peer was told, and the connection ends.
    private bool OnVersion1Frame(in RpcFrame frame)
    {
        if (frame.Header.Type != RpcFrameType.Request)
        {
            RefuseVersion1(frame.Header, "A client must send requests only.");
            return false;
        }

        RpcCall call = StartCall(frame.Header.SequenceId);
        RpcRoute? route = FindRoute(frame.ProtocolData, out RpcFault fault);
        if (route is not null && IsDraining)
        {
            call.NoteRoute(route);
            call.Fault = FarewellTo(route.Name);
            Reply(call);
        }
        else if (route is not null)
        {
            Run(call, route, frame.Body);
        }
        else
        {
            Log.CallNotDispatched(Logger, Connection.ConnectionId, fault.Message);
            call.Fault = fault;
            Reply(call);
        }

        return true;
    }

    private RpcRoute? FindRoute(in ReadOnlySequence<byte> protocolData, out RpcFault fault)
    {
        if (_lastCalled is { } last && protocolData.IsSingleSegment && protocolData.FirstSpan.SequenceEqual(last.Bytes))
        {
            fault = default;
            return last.Route;
        }

        RpcSpelling? found = Dispatch.Find(protocolData, out fault);
        _lastCalled = found ?? _lastCalled;
        return found?.Route;
    }

    // The peer is told if there is a call to tell it about.
    private void RefuseVersion1(RpcFrameHeader? header, string reason)
    {
        Server.Observer.OnConnectionClosed("bad_frame");
        Log.BadFrame(Logger, Connection.ConnectionId, reason);
        if (header is { } refused)
        {
            RpcCall call = StartCall(refused.SequenceId);
            call.Fault = new RpcFault("", "", RpcErrorCode.Decoding, reason);
            Reply(call);
        }
    }
}
