namespace Kestrel.Rpc.Transport.Tests.Connecting;

public sealed class ConnectTests
{
    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Connect_TcpV4_Echoes(TransportVariant transport) => ConnectChecks.TcpV4Async(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Connect_TcpV6_Echoes(TransportVariant transport) => ConnectChecks.TcpV6Async(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Connect_MappedAddress_ReachesIPv4(TransportVariant transport) => ConnectChecks.MappedAddressAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Connect_UnixPath_Echoes(TransportVariant transport) => ConnectChecks.UnixPathAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Connect_UnixAbstract_Echoes(TransportVariant transport) => ConnectChecks.UnixAbstractAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task HalfClose_ByTheClient_AnswerArrives(TransportVariant transport) => ConnectChecks.HalfCloseAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Abort_ByTheClient_ServerIsReset(TransportVariant transport) => ConnectChecks.AbortAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Abort_ByTheServer_ClientIsReset(TransportVariant transport) => ConnectChecks.PeerResetAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task BackPressure_BothSidesInTurn_NothingIsLost(TransportVariant transport) => ConnectChecks.BackPressureAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Features_OfAConnection_AreReal(TransportVariant transport) => ConnectChecks.FeaturesAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Connect_FromAHandlerToItsOwnServer_DoesNotDeadlock(TransportVariant transport) => ConnectChecks.FromAHandlerAsync(transport);
}
