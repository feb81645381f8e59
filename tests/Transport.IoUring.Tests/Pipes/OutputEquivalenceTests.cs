using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport.Tests.Pipes;

/// <summary>Generated sequences against our output and a <see cref="Pipe"/>'s writer: both must look the same to an application.</summary>
public sealed class OutputEquivalenceTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 400)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Writer_GeneratedSequence_BehavesAsPipe(int seed)
    {
        using var loop = new IdleLoop();
        var random = new Random(seed);
        SideBySide<OutputUnderTest> pair = Create(loop);
        for (int i = 0; i < 200; i++)
        {
            Step(pair, random);
        }
    }

    [Fact]
    public void Writer_Completed_RefusesEverythingAsPipe()
    {
        using var loop = new IdleLoop();
        SideBySide<OutputUnderTest> pair = Create(loop);
        pair.Do("write", output => output.Write(100));
        pair.Do("complete", output => output.Complete(new IOException("done")));
        DoEverything(pair);
        pair.Do("send", output => output.Send());
        Assert.Equal(7, pair.History.Split(nameof(InvalidOperationException)).Length - 1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Writer_TransportEnded_AnswersEverythingAsPipe(bool fails)
    {
        using var loop = new IdleLoop();
        SideBySide<OutputUnderTest> pair = Create(loop);
        pair.Do("write", output => output.Write(100));
        pair.Do("end", output => output.End(fails ? new IOException("failed") : null));
        DoEverything(pair);
    }

    [Fact]
    public void Writer_FlushTwice_EndsAsPipe()
    {
        using var loop = new IdleLoop();
        SideBySide<OutputUnderTest> pair = Create(loop);
        pair.Do("write", output => output.WriteAsync(OutputUnderTest.PauseThreshold, CancellationToken.None));
        pair.Do("flush beside", output => output.FlushTwice());
        pair.Do("look", output => output.Look());
        pair.Do("flush after", output => output.Flush(CancellationToken.None));
        Assert.Contains(nameof(InvalidOperationException), pair.History, StringComparison.Ordinal);
    }

    private static SideBySide<OutputUnderTest> Create(IdleLoop loop) => new(new OutputUnderTest.Ours(loop), new OutputUnderTest.Pipes());

    private static void DoEverything(SideBySide<OutputUnderTest> pair)
    {
        pair.Do("write", output => output.Write(10));
        pair.Do("write async", output => output.WriteAsync(10, CancellationToken.None));
        pair.Do("write canceled", output => output.WriteAsync(10, new CancellationToken(canceled: true)));
        pair.Do("hint", output => output.LargeHint(10));
        pair.Do("advance too far", output => output.AdvanceTooFar());
        pair.Do("flush", output => output.Flush(CancellationToken.None));
        pair.Do("flush canceled", output => output.Flush(new CancellationToken(canceled: true)));
        pair.Do("copy", output => output.CopyFrom(10));
        pair.Do("stream", output => output.WriteStream(10));
        pair.Do("flush stream", output => output.FlushStream());
        pair.Do("cancel", output => output.Cancel());
        pair.Do("complete again", output => output.Complete(null));
        pair.Do("look", output => output.Look());
    }

    private static void Step(SideBySide<OutputUnderTest> pair, Random random)
    {
        int size = random.Next(4) switch { 0 => 0, 1 => random.Next(1, 100), 2 => random.Next(1, 5000), _ => random.Next(1, 15_000) };
        switch (random.Next(110))
        {
            case < 30:
                pair.Do($"write {size}", writer => writer.Write(size));
                break;
            case < 35:
                pair.Do($"write async {size}", writer => writer.WriteAsync(size, CancellationToken.None));
                break;
            case < 37:
                pair.Do("advance too far", writer => writer.AdvanceTooFar());
                break;
            case < 39:
                pair.Do("negative hint", writer => writer.NegativeHint());
                break;
            case < 64:
                pair.Do("flush", writer => writer.Flush(CancellationToken.None));
                break;
            case < 88:
                pair.Do("send", writer => writer.Send());
                break;
            case < 92:
                pair.Do("cancel", writer => writer.Cancel());
                break;
            case < 94:
                pair.Do("flush token", writer => writer.FlushWithToken());
                break;
            case < 95:
                pair.Do("fire", writer => writer.FireToken());
                break;
            case < 97:
                bool fails = random.Next(2) == 0;
                pair.Do($"end {fails}", writer => writer.End(fails ? new IOException("end") : null));
                break;
            case < 98 when random.Next(2) == 0:
                bool completeFails = random.Next(2) == 0;
                pair.Do($"complete {completeFails}", writer => writer.Complete(completeFails ? new IOException("done") : null));
                break;
            case < 102:
                pair.Do($"copy {size}", writer => writer.CopyFrom(size));
                break;
            case < 104:
                pair.Do($"stream {size}", writer => writer.WriteStream(size));
                break;
            case < 105:
                pair.Do("flush stream", writer => writer.FlushStream());
                break;
            case < 107:
                pair.Do($"hint {5 * size}", writer => writer.LargeHint(5 * size));
                break;
            case < 108 when random.Next(4) == 0:
                pair.Do("complete async", writer => writer.CompleteAsync());
                break;
            case < 109 when random.Next(4) == 0:
                bool leaveOpen = random.Next(2) == 0;
                pair.Do("dispose stream", writer => writer.DisposeStream(leaveOpen));
                break;
        }

        pair.Do("look", writer => writer.Look());
    }
}
