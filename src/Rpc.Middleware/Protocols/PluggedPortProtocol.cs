using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Middleware;

/// <summary>A protocol that the application has brought.</summary>
internal sealed class PluggedPortProtocol(RpcServer server, RpcDispatchTable dispatch, IRpcProtocol protocol) : PortProtocol
{
    public override RpcProtocolMatch Detect(in ReadOnlySequence<byte> start) => protocol.Detect(start);

    public override Task ServeAsync(ConnectionContext connection) => new RpcServerConnection(server, connection, dispatch, protocol).RunAsync();
}
