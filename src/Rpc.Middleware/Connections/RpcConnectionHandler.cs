using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Middleware;

/// <summary>Serves a connection whose protocol is known to be ours.</summary>
internal sealed class RpcConnectionHandler(RpcServer server) : ConnectionHandler
{
    public override Task OnConnectedAsync(ConnectionContext connection) => new RpcServerConnection(server, connection).RunAsync();
}
