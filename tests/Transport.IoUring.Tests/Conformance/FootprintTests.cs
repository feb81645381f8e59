namespace Kestrel.Rpc.Transport.Tests;

[Collection(MeasuringGroup.Name)]
public sealed class FootprintTests
{
    [Theory, Transports]
    public Task Idle_OpenConnections_NobodyWakes(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(FootprintChecks.IdleTransportSleepsAsync, transport);

    [Theory, Transports]
    public Task Memory_Started_MapsLittle(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(FootprintChecks.MappedMemoryIsBoundedAsync, transport);

    [Theory, Transports]
    public Task Stack_PipelinedMessages_StaysFlat(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(FootprintChecks.PipeliningDoesNotNestAsync, transport);

    // Sockets tries again at once, for ever: it is the broken transport of this check (BrokenTransportTests).
    [Theory, Transports(OwnOnly = true)]
    public Task Accept_NoDescriptorsLeft_PausesAndGoesOn(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(DescriptorLimitChecks.ExhaustedDescriptorsPauseAcceptingAsync, transport);
}
