namespace Kestrel.Rpc.Transport.Tests.Connecting;

public sealed class ConnectFailureTests
{
    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Connect_NobodyListens_IsRefused(TransportVariant transport) => ConnectFailureChecks.RefusedAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true, OneLoop = true)]
    public Task Connect_CannotBeReached_ErrorIsTheOneOfSockets(TransportVariant transport) =>
        ConnectFailureChecks.SameErrorsAsSocketsAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true, OneLoop = true)]
    public Task Connect_OtherKindOfEndPoint_IsNotSupported(TransportVariant transport) => ConnectFailureChecks.NotSupportedAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Connect_NoAnswer_TimesOut(TransportVariant transport) => ConnectFailureChecks.TimeOutAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true, OneLoop = true)]
    public Task Connect_UnixQueueStaysFull_TimesOut(TransportVariant transport) => ConnectFailureChecks.UnixTimeOutAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true, OneLoop = true)]
    public Task Connect_UnixQueueIsFull_ConnectsWhenThereIsRoom(TransportVariant transport) =>
        ConnectFailureChecks.UnixWaitsForRoomAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true, OneLoop = true)]
    public Task Connect_TcpQueueIsFull_ConnectsWhenThereIsRoom(TransportVariant transport) =>
        ConnectFailureChecks.TcpWaitsForRoomAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true, OneLoop = true)]
    public Task Connect_WithoutDescriptors_FailsAndLaterWorks(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(ConnectLimitChecks.NoDescriptorsAsync, transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true, OneLoop = true)]
    public Task Connect_DeadPortAsOftenAsThereArePorts_NeverReachesItself(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(ConnectLimitChecks.NeverConnectedToItselfAsync, transport);
}
