using System.Buffers;
using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport.Tests.Pipes;

/// <summary>
/// A position of an earlier read may lie in a block that serves another connection of the loop by now. Whoever uses it harms nobody
/// but himself.
/// </summary>
public sealed class StalePositionTests : IDisposable
{
    private readonly IdleLoop _loop = new();

    public void Dispose() => _loop.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AdvanceTo_PositionInABlockOfAnotherConnection_ThrowsAndBothGoOn(bool asConsumed)
    {
        ConnectionInput first = Create();
        ConnectionInput second = Create();
        SequencePosition stale = Receive(first, 1).End;
        first.AdvanceTo(stale);
        ReadOnlySequence<byte> others = Receive(second, 2);
        Assert.Same(stale.GetObject(), others.Start.GetObject()); // the same block
        ReadOnlySequence<byte> own = Receive(first, 3);

        Assert.Throws<InvalidOperationException>(() => first.AdvanceTo(asConsumed ? stale : own.Start, asConsumed ? own.End : stale));

        Assert.Equal(Enumerable.Repeat((byte)3, 100), own.ToArray());
        first.AdvanceTo(own.End);
        Assert.Equal(Enumerable.Repeat((byte)2, 100), others.ToArray());
        second.AdvanceTo(others.End);
        Assert.Equal(Enumerable.Repeat((byte)4, 100), Receive(first, 4).ToArray());
        Assert.Equal(Enumerable.Repeat((byte)5, 100), Receive(second, 5).ToArray());
    }

    [Fact]
    public void AdvanceTo_PositionBehindTheReceivedBytes_Throws()
    {
        ConnectionInput input = Create();
        ReadOnlySequence<byte> bytes = Receive(input, 1);
        var behind = new SequencePosition(bytes.End.GetObject(), bytes.End.GetInteger() + 1);

        Assert.Throws<InvalidOperationException>(() => input.AdvanceTo(behind));

        input.AdvanceTo(bytes.End);
        Assert.Equal(Enumerable.Repeat((byte)2, 100), Receive(input, 2).ToArray());
    }

    private ConnectionInput Create() => new(_loop, new EpollSocket(null!, descriptor: -1));

    private static ReadOnlySequence<byte> Receive(ConnectionInput input, byte value)
    {
        input.GetSpan()[..100].Fill(value);
        input.Advance(100);
        input.CommitOnLoop();
        Assert.True(input.TryRead(out ReadResult read));
        return read.Buffer;
    }
}
