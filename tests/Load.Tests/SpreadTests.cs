using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Load.Tests;

public sealed class SpreadTests
{
    [Fact]
    public void Of_OddCount_TakesTheMiddle() => Assert.Equal(new Spread(3, 1, 9), Spread.Of([9, 1, 3]));

    [Fact]
    public void Of_EvenCount_TakesTheMiddleOfTheTwoInTheMiddle() => Assert.Equal(new Spread(3, 1, 9), Spread.Of([9, 1, 4, 2]));
}
