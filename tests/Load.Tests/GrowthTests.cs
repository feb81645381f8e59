using Kestrel.Rpc.Benchmarks.Load.Compare;
using Kestrel.Rpc.Benchmarks.Load.Compare.Reporting;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Load.Tests;

public sealed class GrowthTests
{
    private static readonly Variant[] Servers = [Variants.IoUringInline, Variants.CIoUring];

    [Fact]
    public void Of_DriftingMachine_ComparesRoundByRound()
    {
        // The second round is three times as slow. Ours grows from 4 to 6, C from 4 to 5.
        var growth = new Growth(
            [
                Of(Variants.IoUringInline, 1, 64, 4), Of(Variants.CIoUring, 1, 64, 4),
                Of(Variants.IoUringInline, 1, 512, 5), Of(Variants.CIoUring, 1, 512, 5),
                Of(Variants.IoUringInline, 1, 15_000, 6), Of(Variants.CIoUring, 1, 15_000, 5),
                Of(Variants.CIoUring, 2, 15_000, 15), Of(Variants.IoUringInline, 2, 15_000, 18),
                Of(Variants.CIoUring, 2, 512, 15), Of(Variants.IoUringInline, 2, 512, 15),
                Of(Variants.CIoUring, 2, 64, 12), Of(Variants.IoUringInline, 2, 64, 12),
            ],
            Servers);

        Assert.Equal([64, 512, 15_000], growth.Connections);
        Assert.Equal(new Spread(1.5, 1.5, 1.5), growth.Of(Variants.IoUringInline));
        Assert.Equal(new Spread(1.25, 1.25, 1.25), growth.Of(Variants.CIoUring));
        Assert.Equal(new Spread(1.2, 1.2, 1.2), growth.Ratio(Variants.IoUringInline, Variants.CIoUring));
        Assert.Equal(new Spread(12, 6, 18), growth.At(Variants.IoUringInline, 15_000));
    }

    [Fact]
    public void Ratio_PeerThatIsNotThere_IsNothing()
    {
        var growth = new Growth([Of(Variants.CIoUring, 1, 64, 4), Of(Variants.CIoUring, 1, 512, 5)], Servers);

        Assert.Equal([Variants.CIoUring], growth.Variants);
        Assert.Null(growth.Ratio(Variants.CIoUring, Variants.CIoUring));
        Assert.Null(growth.Ratio(Variants.CIoUring, Variants.SocketsPool));
    }

    private static Sample Of(Variant variant, int round, int connections, double microseconds) =>
        SampleFactory.Create(new Scene(Workload.Echo, connections, 1), variant, round, microseconds);
}
