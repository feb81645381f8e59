using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport.Tests.Pipes;

/// <summary>Generated sequences against our input and a <see cref="Pipe"/>'s reader: both must look the same to an application.</summary>
public sealed class InputEquivalenceTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 400)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Reader_GeneratedSequence_BehavesAsPipe(int seed)
    {
        using var loop = new IdleLoop();
        var random = new Random(seed);
        SideBySide<InputUnderTest> pair = Create(loop);
        for (int i = 0; i < 200; i++)
        {
            Step(pair, random);
        }
    }

    [Fact]
    public void Reader_MinimumAboveTheLimit_ArrivesAsInPipe()
    {
        using var loop = new IdleLoop();
        SideBySide<InputUnderTest> pair = Create(loop);
        pair.Do("write", input => input.Write(InputUnderTest.PauseThreshold));
        pair.Do("at least", input => input.ReadAtLeast(3 * InputUnderTest.PauseThreshold));
        for (int i = 0; i < 4; i++)
        {
            pair.Do("write", input => input.Write(InputUnderTest.PauseThreshold - 1));
            pair.Do("look", input => input.Look());
        }

        Assert.Contains("woke: 79997 bytes", pair.History, StringComparison.Ordinal);
    }

    [Fact]
    public void Reader_CompletedWithError_RefusesEverythingAsPipe()
    {
        using var loop = new IdleLoop();
        SideBySide<InputUnderTest> pair = Create(loop);
        pair.Do("write", input => input.Write(100));
        pair.Do("read", input => input.Read(CancellationToken.None));
        pair.Do("complete", input => input.Complete(new IOException("done")));
        DoEverything(pair);
        Assert.Equal(7, pair.History.Split(nameof(InvalidOperationException)).Length - 1);
    }

    [Fact]
    public void Reader_TransportFailed_ThrowsTheErrorFromEverythingAsPipe()
    {
        using var loop = new IdleLoop();
        SideBySide<InputUnderTest> pair = Create(loop);
        pair.Do("write", input => input.Write(100));
        pair.Do("end", input => input.End(new IOException("failed")));
        DoEverything(pair);
        Assert.Equal(6, pair.History.Split(nameof(IOException)).Length - 1);
    }

    [Fact]
    public void Reader_Misuse_ThrowsAsPipe()
    {
        using var loop = new IdleLoop();
        SideBySide<InputUnderTest> pair = Create(loop);
        pair.Do("advance without a read", input => input.Advance(0, 0));
        pair.Do("negative minimum", input => input.ReadAtLeast(-1));
        pair.Do("copy to nothing", input => input.CopyTo(null!));
        pair.Do("copy to no pipe", input => input.CopyToPipe(null!));
        pair.Do("write", input => input.Write(100));
        pair.Do("read", input => input.Read(CancellationToken.None));
        pair.Do("read again", input => input.Read(CancellationToken.None));
        pair.Do("try again", input => input.TryRead());
        pair.Do("examined before consumed", input => input.Advance(1, 0));
        pair.Do("advance", input => input.Advance(1, 1));
        pair.Do("advance twice", input => input.Advance(0, 0));
        pair.Do("read", input => input.Read(CancellationToken.None));
        pair.Do("try beside", input => input.TryReadBesideRead());
        pair.Do("read beside", input => input.ReadTwice());
        pair.Do("look", input => input.Look());
        pair.Do("read after", input => input.Read(CancellationToken.None));
    }

    private static SideBySide<InputUnderTest> Create(IdleLoop loop) => new(new InputUnderTest.Ours(loop), new InputUnderTest.Pipes());

    private static void DoEverything(SideBySide<InputUnderTest> pair)
    {
        pair.Do("read", input => input.Read(CancellationToken.None));
        pair.Do("at least", input => input.ReadAtLeast(10));
        pair.Do("try", input => input.TryRead());
        pair.Do("advance", input => input.Advance(1, 1));
        pair.Do("copy", input => input.CopyTo(new MemoryStream()));
        pair.Do("copy to pipe", input => input.CopyToPipe(new Pipe().Writer));
        pair.Do("stream", input => input.ReadStream(10));
        pair.Do("complete again", input => input.Complete(null));
        pair.Do("cancel", input => input.Cancel());
    }

    private static void Step(SideBySide<InputUnderTest> pair, Random random)
    {
        int size = random.Next(4) switch { 0 => 0, 1 => random.Next(1, 100), 2 => random.Next(1, 5000), _ => random.Next(1, 15_000) };
        double consumed = random.Next(3) / 2.0;
        double examined = random.Next(3) / 2.0;
        switch (random.Next(110))
        {
            case < 30:
                pair.Do($"write {size}", input => input.Write(size));
                break;
            case < 50:
                pair.Do("read", input => input.Read(CancellationToken.None));
                break;
            case < 55:
                pair.Do("try", input => input.TryRead());
                break;
            case < 82:
                pair.Do($"advance {consumed} {examined}", input => input.Advance(consumed, examined));
                break;
            case < 86:
                pair.Do("cancel", input => input.Cancel());
                break;
            case < 88:
                pair.Do("read canceled", input => input.Read(new CancellationToken(canceled: true)));
                break;
            case < 90:
                pair.Do("read token", input => input.ReadWithToken());
                break;
            case < 91:
                pair.Do("fire", input => input.FireToken());
                break;
            case < 97:
                pair.Do($"at least {2 * size}", input => input.ReadAtLeast(2 * size));
                break;
            case < 98:
                pair.Do($"at least token {size}", input => input.ReadAtLeastWithToken(size));
                break;
            case < 102:
                pair.Do($"stream {size % 4096}", input => input.ReadStream(size % 4096));
                break;
            case < 105:
                Rare(pair, random, size);
                break;
        }

        pair.Do("look", input => input.Look());
    }

    // What ends the sequence, or nearly: a few of these in a hundred steps.
    private static void Rare(SideBySide<InputUnderTest> pair, Random random, int size)
    {
        bool fails = random.Next(2) == 0;
        switch (random.Next(9))
        {
            case 0:
                pair.Do($"end {fails}", input => input.End(fails ? new IOException("end") : null));
                break;
            case 1:
                // A destination that takes no more, half of the time.
                pair.Do("copy", input => input.CopyTo(fails ? new MemoryStream(new byte[size]) : new MemoryStream()));
                break;
            case 2:
                pair.Do("copy to pipe", input => input.CopyToPipe(new Pipe(new PipeOptions(pauseWriterThreshold: 0)).Writer));
                break;
            case 3:
                pair.Do("dispose stream", input => input.DisposeStream(leaveOpen: true));
                break;
            case 4 when fails:
                pair.Do("dispose stream too", input => input.DisposeStream(leaveOpen: false));
                break;
            case 5 when fails:
                bool errs = random.Next(2) == 0;
                pair.Do($"complete {errs}", input => input.Complete(errs ? new IOException("done") : null));
                break;
            case 6 when fails:
                pair.Do("complete async", input => input.CompleteAsync());
                break;
            case 7 when fails:
                pair.Do("read twice", input => input.ReadTwice());
                break;
        }
    }
}
