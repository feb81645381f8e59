using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Middleware;

/// <summary>Our own protocol, of both versions.</summary>
internal sealed class NativePortProtocol(RpcServer server, RpcDispatchTable dispatch) : PortProtocol
{
    /// <summary>What <see cref="RpcContext.Protocol"/> calls it.</summary>
    public const string Name = "rpc";

    private static ReadOnlySpan<byte> Magic => [0x12, 0x34];

    public override RpcProtocolMatch Detect(in ReadOnlySequence<byte> start) => Match(start, Magic);

    public override Task ServeAsync(ConnectionContext connection) => new RpcServerConnection(server, connection, dispatch).RunAsync();
}
