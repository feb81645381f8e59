namespace Kestrel.Rpc.Transport.Tests.Connecting;

public sealed class NameTests
{
    [Theory, Transports(OwnOnly = true, SharedLoops = true, OneLoop = true)]
    public Task Name_OfThisMachine_IsResolved(TransportVariant transport) => NameChecks.LocalHostAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true, OneLoop = true)]
    public Task Name_FirstAddressRefuses_NextIsTried(TransportVariant transport) => NameChecks.NextAfterRefusalAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true, OneLoop = true)]
    public Task Name_FirstAddressNeverAnswers_NextHasItsShareOfTheTime(TransportVariant transport) => NameChecks.NextAfterSilenceAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true, OneLoop = true)]
    public Task Name_NoAddressAnswers_ErrorTellsAll(TransportVariant transport) => NameChecks.NoneAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true, OneLoop = true)]
    public Task Name_WithoutAddresses_Fails(TransportVariant transport) => NameChecks.NoAddressAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true, OneLoop = true)]
    public Task Name_ServerIsSilent_TimesOutOrIsCancelled(TransportVariant transport) => NameChecks.SilentNameServerAsync(transport);
}
