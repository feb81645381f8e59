namespace Kestrel.Rpc.Transport.Tests;

[Collection(MeasuringGroup.Name)]
public sealed class FootprintTests
{
    [Theory, Transports]
    public Task Memory_Started_MapsLittle(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(FootprintChecks.MappedMemoryIsBoundedAsync, transport);

    [Theory, Transports]
    public Task Stack_PipelinedMessages_StaysFlat(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(FootprintChecks.PipeliningDoesNotNestAsync, transport);
}
