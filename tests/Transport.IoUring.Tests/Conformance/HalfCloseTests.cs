namespace Kestrel.Rpc.Transport.Tests;

public sealed class HalfCloseTests
{
    [Theory, Transports]
    public Task HalfClose_SmallAnswer_IsDelivered(TransportVariant transport) => HalfCloseChecks.SmallAnswerIsDeliveredAsync(transport);

    [Theory, Transports]
    public Task HalfClose_LargeAnswer_IsDelivered(TransportVariant transport) => HalfCloseChecks.LargeAnswerIsDeliveredAsync(transport);

    [Theory, Transports]
    public Task HalfClose_AnswerAfterConnectionClosed_IsDelivered(TransportVariant transport) =>
        HalfCloseChecks.AnswerAfterConnectionClosedIsDeliveredAsync(transport);

    [Theory, Transports]
    public Task ConnectionClosed_ClientFin_FiresOnPool(TransportVariant transport) =>
        HalfCloseChecks.ConnectionClosedFiresOnPoolAsync(transport);

    [Theory, Transports]
    public Task HalfClose_SlowReader_GetsTheLastBytes(TransportVariant transport) =>
        HalfCloseChecks.LastBytesBeforeFinArriveAsync(transport);
}
