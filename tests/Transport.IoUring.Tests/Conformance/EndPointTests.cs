namespace Kestrel.Rpc.Transport.Tests;

public sealed class EndPointTests
{
    [Theory, Transports]
    public Task EndPoints_TcpV4_AreReal(TransportVariant transport) => EndPointChecks.TcpV4Async(transport);

    [Theory, Transports]
    public Task EndPoints_TcpV6_AreReal(TransportVariant transport) => EndPointChecks.TcpV6Async(transport);

    [Theory, Transports]
    public Task Bind_OneAddress_OthersRefuse(TransportVariant transport) => EndPointChecks.OnlyTheBoundAddressAnswersAsync(transport);

    [Theory, Transports]
    public Task Bind_IPv6Any_ServesBothFamilies(TransportVariant transport) => EndPointChecks.DualModeAsync(transport);

    [Theory, Transports]
    public Task Bind_IPv4Any_ServesEveryAddress(TransportVariant transport) => EndPointChecks.AnyAddressAsync(transport);

    [Theory, Transports]
    public Task Bind_UnixPath_EchoesAndRebinds(TransportVariant transport) => EndPointChecks.UnixPathAsync(transport);

    [Theory, Transports]
    public Task Bind_UnixPathInUse_ReportsAddressInUse(TransportVariant transport) => EndPointChecks.UnixPathInUseAsync(transport);

    [Theory, Transports]
    public Task Bind_UnixAbstract_EchoesAndRebinds(TransportVariant transport) => EndPointChecks.UnixAbstractAsync(transport);
}
