using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>For each known defect of a transport: the check that finds it fails on a transport that has it, for that reason.</summary>
[Collection(StressGroup.Name)]
public sealed class BrokenTransportTests
{
    // A check that hangs on a broken transport is a check that fails; it need not hang for long.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(4);

    [Fact]
    public Task Defect_ReplyDroppedAtHalfClose_IsFound() =>
        FailsAsync<DropsReplyAtHalfClose>(HalfCloseChecks.SmallAnswerIsDeliveredAsync, "Connection reset by peer");

    [Fact]
    public Task Defect_OutputEndsWithoutTheRest_IsFound() =>
        FailsAsync<DropsTheRestAtCompletion>(CloseChecks.AllBytesBeforeFinAsync, "The connection ended at position");

    [Fact]
    public Task Defect_UnbindKillsConnections_IsFound() =>
        FailsAsync<UnbindKillsConnections>(UnbindChecks.LiveConnectionsGoOnAsync, "Connection reset by peer");

    [Fact]
    public Task Defect_LostWakeUps_AreFound() =>
        FailsAsync<LosesWakeUps>(WakeUpChecks.OffLoopRoundTripsAsync, nameof(TimeoutException));

    [Fact]
    public Task Defect_CompletionRoutedByDescriptor_IsFound() =>
        FailsAsync<RoutesByDescriptor>(StormChecks.ReusedDescriptorsKeepConnectionsApartAsync, "Wrong byte");

    [Fact]
    public Task Defect_StallWithoutBuffers_IsFound() =>
        FailsAsync<StallsWithoutBuffers>(BackPressureChecks.ManyStoppedReadersStarveNobodyAsync, nameof(TimeoutException));

    [Fact]
    public Task Defect_SignalKillsLoop_IsFound() =>
        FailsAsync<DiesOfSignals>(InChild(SignalChecks.SignalsInterruptNothingAsync), nameof(TimeoutException));

    [Fact]
    public Task Defect_SpinWithoutDescriptors_IsFoundInSockets() =>
        FailsAsync(InChild(DescriptorLimitChecks.ExhaustedDescriptorsPauseAcceptingAsync), TransportVariants.Sockets, "of a processor");

    [Fact]
    public Task Defect_SlotReusedInFlight_IsFound() =>
        FailsAsync<ReusesSlotsInFlight>(IntegrityChecks.PendingSendsKeepTheirMemoryAsync, "Wrong byte");

    [Fact]
    public Task Defect_AddressIgnored_IsFound() =>
        FailsAsync<IgnoresTheAddress>(EndPointChecks.OnlyTheBoundAddressAnswersAsync, "No exception was thrown");

    [Fact]
    public Task Defect_RemoteEndPointNull_IsFound() => FailsAsync<HasNoRemoteEndPoint>(EndPointChecks.TcpV4Async, "Assert.Equal() Failure");

    [Fact]
    public Task Defect_FullQueueDropsConnections_IsFound() =>
        FailsAsync<DropsWhenTheQueueIsFull>(AcceptChecks.EveryQueuedConnectionIsServedAsync, nameof(TimeoutException));

    [Fact]
    public Task Defect_PollingForFlushes_IsFound() =>
        FailsAsync<PollsForFlushes>(InChild(FootprintChecks.IdleTransportSleepsAsync), "An idle transport woke up");

    [Fact]
    public Task Defect_HugeSlabs_AreFound() =>
        FailsAsync<MapsHugeSlabs>(InChild(FootprintChecks.MappedMemoryIsBoundedAsync), "The transport mapped 5");

    [Fact]
    public Task Defect_EndlessRecursion_IsFound() =>
        FailsAsync<RecursesOnCompletion>(InChild(FootprintChecks.PipeliningDoesNotNestAsync), "frames deep");

    /// <summary>Without a defect the same checks pass through the same wrapping.</summary>
    [Fact]
    public async Task Wrapper_WithoutDefect_PassesTheChecks()
    {
        TransportVariant wrapped = TransportVariants.Sockets.BrokenBy<WrapsAndBreaksNothing>();
        await HalfCloseChecks.SmallAnswerIsDeliveredAsync(wrapped);
        await CloseChecks.AllBytesBeforeFinAsync(wrapped);
        await UnbindChecks.LiveConnectionsGoOnAsync(wrapped);
        await WakeUpChecks.OffLoopRoundTripsAsync(wrapped);
        await BackPressureChecks.ManyStoppedReadersStarveNobodyAsync(wrapped);
        await IntegrityChecks.PendingSendsKeepTheirMemoryAsync(wrapped);
        await EndPointChecks.OnlyTheBoundAddressAnswersAsync(wrapped);
        await AcceptChecks.EveryQueuedConnectionIsServedAsync(wrapped);
        await InChild(FootprintChecks.PipeliningDoesNotNestAsync)(wrapped);
    }

    private static Func<TransportVariant, Task> InChild(Func<TransportVariant, Task> check) =>
        variant => ChildProcess.RunCheckAsync(check, variant);

    private static Task FailsAsync<TDefect>(Func<TransportVariant, Task> check, string because)
        where TDefect : IConnectionListenerFactory => FailsAsync(check, TransportVariants.Sockets.BrokenBy<TDefect>(), because);

    private static async Task FailsAsync(Func<TransportVariant, Task> check, TransportVariant broken, string because)
    {
        TimeLimit.Set(Limit);
        Exception? failure = await Record.ExceptionAsync(() => check(broken));
        Assert.True(failure is not null, $"The check passes on {broken}.");
        Assert.Contains(because, failure.ToString(), StringComparison.Ordinal);
    }
}
