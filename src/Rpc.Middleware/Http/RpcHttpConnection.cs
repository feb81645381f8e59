using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Kestrel.Rpc.Middleware;

/// <summary>What an RPC call over HTTP sees of its connection: the addresses, the certificate of the peer and other features, but no bytes.</summary>
internal sealed class RpcHttpConnection : ConnectionContext
{
    private readonly HttpContext _http;

    public RpcHttpConnection(HttpContext http)
    {
        _http = http;
        ConnectionId = http.Connection.Id ?? http.TraceIdentifier;
        LocalEndPoint = http.Connection.LocalIpAddress is { } local ? new IPEndPoint(local, http.Connection.LocalPort) : null;
        RemoteEndPoint = http.Connection.RemoteIpAddress is { } remote ? new IPEndPoint(remote, http.Connection.RemotePort) : null;
        ConnectionClosed = http.RequestAborted;
    }

    public override string ConnectionId { get; set; }

    public override IFeatureCollection Features => _http.Features;

    public override IDictionary<object, object?> Items
    {
        get => field ??= Features.Get<IConnectionItemsFeature>()?.Items ?? new Dictionary<object, object?>();
        set;
    }

    public override IDuplexPipe Transport
    {
        get => throw NoTransport();
        set => throw NoTransport();
    }

    public override void Abort() => _http.Abort();

    public override void Abort(ConnectionAbortedException abortReason) => _http.Abort();

    private static InvalidOperationException NoTransport() => new("The bytes of an HTTP connection belong to HTTP.");
}
