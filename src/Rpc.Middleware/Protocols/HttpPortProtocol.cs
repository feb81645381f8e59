using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Middleware;

/// <summary>Kestrel's HTTP, which knows best what to answer to whatever is nobody else's.</summary>
internal sealed class HttpPortProtocol(ConnectionDelegate next) : PortProtocol
{
    public override RpcProtocolMatch Detect(in ReadOnlySequence<byte> start) => RpcProtocolMatch.Yes;

    public override Task ServeAsync(ConnectionContext connection) => next(connection);
}
