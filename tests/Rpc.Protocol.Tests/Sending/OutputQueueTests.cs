using System.Buffers.Binary;
using System.IO.Pipelines;

namespace Kestrel.Rpc.Protocol.Tests.Sending;

/// <summary>How what many threads send leaves through one output.</summary>
public class OutputQueueTests : IOutputOwner
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly List<Exception?> _breaks = [];

    [Fact]
    public void Send_OutputIsIdle_IsFlushedBeforeItReturns()
    {
        StrictOutput output = new(() => default);
        OutputQueue queue = new(output, this);
        queue.Send(new Number(1));
        queue.Send(new Number(2));
        Assert.Equal([[1], [2]], output.Flushes);
        Assert.Equal(2, queue.Finished);
    }

    [Fact]
    public async Task Send_AFlushIsPending_WaitersLeaveTogetherWithTheNext()
    {
        TaskCompletionSource<FlushResult> held = new();
        StrictOutput output = new(() => new ValueTask<FlushResult>(held.Task));
        OutputQueue queue = new(output, this);
        Send(queue, 0, 5);
        Assert.True(queue.IsFlushing);
        Assert.Equal(0, queue.Finished);

        held.SetResult(default);
        await queue.WaitAsync(5).WaitAsync(Limit);
        Assert.Equal([[0], [1, 2, 3, 4]], output.Flushes);
    }

    [Fact]
    public async Task Send_MoreThanTheRingTakes_AllLeaveAndBothTheRingAndTheLineGoOn()
    {
        const int Count = 5 * OutputQueue.RingCapacity;
        TaskCompletionSource<FlushResult> held = new();
        StrictOutput output = new(() => new ValueTask<FlushResult>(held.Task));
        OutputQueue queue = new(output, this);
        Send(queue, 0, Count);

        held.SetResult(default);
        await queue.WaitAsync(Count).WaitAsync(Limit);
        Assert.Equal(Enumerable.Range(0, Count), output.Numbers.Order());

        // The first of each are among the next to leave, and each keeps its order.
        int firstInLine = 1 + OutputQueue.RingCapacity;
        Assert.Equal([1, firstInLine], output.Flushes[1].Take(2).Order());
        Assert.Equal(Enumerable.Range(1, OutputQueue.RingCapacity), output.Numbers.Skip(1).Where(number => number < firstInLine));
        Assert.Equal(Enumerable.Range(firstInLine, Count - firstInLine), output.Numbers.Where(number => number >= firstInLine));
    }

    [Fact]
    public void Role_SeveralItems_LeaveWithOneFlush()
    {
        StrictOutput output = new(() => default);
        OutputQueue queue = new(output, this);
        Assert.True(queue.TryEnter());
        Assert.False(queue.TryEnter());
        queue.WriteInRole(new Number(1));
        queue.Send(new Number(2)); // as another thread would
        queue.WriteInRole(new Number(3));
        Assert.Empty(output.Flushes);
        queue.Exit();
        Assert.Equal([1, 3, 2], Assert.Single(output.Flushes));
        Assert.True(queue.TryEnter());
        queue.Exit();
        Assert.Single(output.Flushes); // nothing to flush
    }

    [Fact]
    public void FlushEach_InTheRoleAndBeside_EveryItemIsFlushedAlone()
    {
        StrictOutput output = new(() => default);
        OutputQueue queue = new(output, this, flushEach: true);
        Assert.True(queue.TryEnter());
        queue.WriteInRole(new Number(1));
        queue.WriteInRole(new Number(2));
        queue.Exit();
        queue.Send(new Number(3));
        Assert.Equal([[1], [2], [3]], output.Flushes);
    }

    [Fact]
    public async Task Sender_OthersGoOnSending_IsLetGoAfterAWhile()
    {
        int sent = 0;
        OutputQueue queue = null!;
        Thread? sender = Thread.CurrentThread;
        int flushesOfSender = 0;
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        StrictOutput output = new(() =>
        {
            flushesOfSender += Thread.CurrentThread == sender ? 1 : 0;
            if (++sent <= 1000)
            {
                queue.Send(new Number(sent)); // as another thread would, during every flush
            }
            else
            {
                done.SetResult();
            }

            return default;
        });
        queue = new OutputQueue(output, this);
        queue.Send(new Number(0));
        sender = null;
        await done.Task.WaitAsync(Limit);
        await queue.WaitAsync(1001).WaitAsync(Limit);

        Assert.InRange(flushesOfSender, 1, 100);
        Assert.Equal(Enumerable.Range(0, 1001), output.Numbers);
        Assert.Null(output.Misuse);
    }

    [Fact]
    public async Task Close_ItemsBeforeAndAfter_OnlyThoseBeforeLeave()
    {
        TaskCompletionSource<FlushResult> held = new();
        StrictOutput output = new(() => new ValueTask<FlushResult>(held.Task));
        OutputQueue queue = new(output, this);
        Send(queue, 0, 3);
        Task closed = queue.CloseAsync();
        Number[] late = Send(queue, 3, 2);
        Assert.Same(closed, queue.CloseAsync());
        Assert.False(queue.IsClosed);

        held.SetResult(default);
        await closed.WaitAsync(Limit);
        await queue.WaitAsync(5).WaitAsync(Limit);
        Assert.True(queue.IsClosed);
        queue.Send(new Number(9));
        Assert.Equal([0, 1, 2], output.Numbers);
        Assert.All(late, number => Assert.True(number.IsDiscarded));
        Assert.Empty(_breaks);
    }

    [Theory]
    [InlineData("completed")]
    [InlineData("canceled")]
    [InlineData("flush")]
    [InlineData("write")]
    public void Output_Breaks_OwnerIsToldOnceAndTheRestIsDropped(string how)
    {
        StrictOutput output = new(() => how switch
        {
            "completed" => new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: true)),
            "canceled" => new ValueTask<FlushResult>(new FlushResult(isCanceled: true, isCompleted: false)),
            "flush" => throw new IOException("broken"),
            _ => default,
        });
        OutputQueue queue = new(output, this);
        queue.Send(new Number(0) { Fault = how == "write" ? new IOException("broken") : null });
        Number[] late = Send(queue, 1, 3);

        Assert.Equal(how is "flush" or "write", Assert.Single(_breaks) is IOException);
        Assert.All(late, number => Assert.True(number.IsDiscarded));
        Assert.Equal(4, queue.Finished); // nobody waits for them for ever
        Assert.InRange(output.Flushes.Count, 0, 1);
    }

    [Fact]
    public async Task Wake_NobodyWaitsYet_TheNextWaitReturns()
    {
        OutputQueue queue = new(new StrictOutput(() => default), this);
        queue.Wake();
        await queue.WaitAsync(1).WaitAsync(Limit);
        Task second = queue.WaitAsync(1);
        Assert.False(second.IsCompleted);
        queue.Wake();
        await second.WaitAsync(Limit);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Stress_ManySenders_EveryItemLeavesOnceAndEveryWaitEnds(bool slowFlush, bool flushEach)
    {
        const int Senders = 8;
        int each = flushEach ? 500 : 5_000;
        StrictOutput output = new(async () =>
        {
            if (slowFlush)
            {
                await Task.Yield();
            }

            return default;
        });
        OutputQueue queue = new(output, this, flushEach);
        using Barrier start = new(Senders);
        Task[] senders = [.. Enumerable.Range(0, Senders).Select(sender => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                for (int i = 0; i < each; i++)
                {
                    int number = (sender * each) + i;
                    if (i % 3 == 0 && queue.TryEnter())
                    {
                        queue.WriteInRole(new Number(number));
                        queue.Exit();
                    }
                    else
                    {
                        queue.Send(new Number(number));
                    }
                }
            },
            TaskCreationOptions.LongRunning))];
        for (int finished = 1; finished <= Senders * each; finished += 100)
        {
            await queue.WaitAsync(finished).WaitAsync(Limit);
            Assert.True(queue.Finished >= finished);
        }

        await Task.WhenAll(senders).WaitAsync(Limit);
        await queue.WaitAsync(Senders * each).WaitAsync(Limit);
        Assert.Equal(Enumerable.Range(0, Senders * each), output.Numbers.Order());
        Assert.Null(output.Misuse);
        if (flushEach)
        {
            Assert.All(output.Flushes, flush => Assert.Single(flush));
        }
    }

    void IOutputOwner.OnOutputBroken(Exception? exception) => _breaks.Add(exception);

    private static Number[] Send(OutputQueue queue, int first, int count)
    {
        Number[] numbers = [.. Enumerable.Range(first, count).Select(i => new Number(i))];
        foreach (Number number in numbers)
        {
            queue.Send(number);
        }

        return numbers;
    }

    private sealed class Number(int value) : IOutputItem
    {
        public IOutputItem? NextInLine { get; set; }

        public Exception? Fault { get; init; }

        public bool IsDiscarded { get; private set; }

        public int Write(PipeWriter output)
        {
            if (Fault is not null)
            {
                throw Fault;
            }

            BinaryPrimitives.WriteInt32LittleEndian(output.GetSpan(sizeof(int)), value);
            output.Advance(sizeof(int));
            return sizeof(int);
        }

        public void Discard() => IsDiscarded = true;
    }
}
