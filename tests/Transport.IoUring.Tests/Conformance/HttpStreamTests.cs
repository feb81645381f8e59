namespace Kestrel.Rpc.Transport.Tests;

[Collection(StressGroup.Name)]
public sealed class HttpStreamTests
{
    [Theory, Transports]
    public Task Http1_GibibyteDown_IsIntact(TransportVariant transport) => HttpStreamChecks.DownAsync(transport);

    [Theory, Transports]
    public Task Http1_GibibyteUp_IsIntact(TransportVariant transport) => HttpStreamChecks.UpAsync(transport);
}
