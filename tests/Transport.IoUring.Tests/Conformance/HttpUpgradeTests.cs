namespace Kestrel.Rpc.Transport.Tests;

public sealed class HttpUpgradeTests
{
    [Theory, Transports]
    public Task Tls_BothProtocols_AlpnPicks(TransportVariant transport) => HttpUpgradeChecks.TlsWithAlpnAsync(transport);

    [Theory, Transports]
    public Task Http2_ManyStreamsOverTls_AllEcho(TransportVariant transport) => HttpUpgradeChecks.Http2ManyStreamsOverTlsAsync(transport);

    [Theory, Transports]
    public Task Http2_ManyStreamsPriorKnowledge_AllEcho(TransportVariant transport) =>
        HttpUpgradeChecks.Http2ManyStreamsPriorKnowledgeAsync(transport);

    [Theory, Transports]
    public Task WebSocket_ManySizes_Echoes(TransportVariant transport) => HttpUpgradeChecks.WebSocketEchoAsync(transport);
}
