namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>A channel that joins an event loop through an eventfd, which is written to only where the loop may sleep.</summary>
public sealed class EventFdTests : IDisposable
{
    private readonly InvocationChannel<int, int> _channel = new();
    private readonly List<int> _handled = [];
    private readonly EventFdSource<int, int> _source;

    public EventFdTests() => _source = new EventFdSource<int, int>(_channel.Source, InvocationHandler.FromFunction((int argument) =>
    {
        _handled.Add(argument);
        return argument + 1;
    }));

    public void Dispose() => _source.Dispose();

    private void Send(int count)
    {
        for (int call = 0; call < count; call++)
        {
            Assert.True(_channel.Client.TryInvoke(call, out ValueTask<int> reply));
            _ = reply.AsTask();
        }
    }

    [Fact]
    public void Signals_CallsWhileTheLoopSleeps_AreOneForAll()
    {
        _source.Init();
        Assert.Equal(0, _source.Signals);
        Send(1000);

        Assert.Equal(1, _source.Signals);
        Assert.Equal(1, Epoll.Take(_source.Descriptor)); // and the kernel has counted one write
        Assert.Equal(1000, _source.OnReady(2000));
        Send(500);
        Assert.Equal(2, _source.Signals);
    }

    [Fact]
    public void Signals_CallsWhileTheLoopIsBusy_AreNone()
    {
        _source.Init();
        Send(1);
        int more = 1000;
        using var busy = new EventFdSource<int, int>(_channel.Source, InvocationHandler.FromFunction((int argument) =>
        {
            if (more-- > 0)
            {
                Send(1); // the next call comes while this one is handled
            }

            return argument;
        }));
        busy.Init();
        long before = busy.Signals;

        Assert.Equal(1001, busy.OnReady(5000));
        Assert.Equal(before, busy.Signals);
        Assert.Equal(1, Epoll.Take(_source.Descriptor)); // of the first call, for the one who was armed then
    }

    [Theory]
    [InlineData(Epoll.Readable)]
    [InlineData(Epoll.Readable | Epoll.EdgeTriggered)]
    public void Budget_Spent_LoopComesAgain(uint events)
    {
        using var epoll = new Epoll();
        _source.Init();
        epoll.Add(_source.Descriptor, events);
        Assert.False(epoll.Wait(0));
        Send(100);
        int turns = 0;
        while (epoll.Wait(0))
        {
            _source.OnReady(30);
            turns++;
        }

        Assert.Equal(100, _handled.Count);
        Assert.Equal(4, turns);
        Send(1);
        Assert.True(epoll.Wait(0));
    }

    [Theory]
    [InlineData(Epoll.Readable)]
    [InlineData(Epoll.Readable | Epoll.EdgeTriggered)]
    public async Task Epoll_CallsFromOtherThreads_WakeTheForeignLoop(uint events)
    {
        using var epoll = new Epoll();
        bool hasEnded = false;
        _source.Init();
        epoll.Add(_source.Descriptor, events);
        Task loop = Threads.Start(() =>
        {
            while (!Volatile.Read(ref hasEnded))
            {
                if (epoll.Wait(60_000))
                {
                    _source.OnReady(16);
                }
            }
        });
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            for (int call = 0; call < 2000; call++)
            {
                Assert.Equal(call + 1, await _channel.Client.InvokeAsync(call));
            }
        }))).Limited();
        Volatile.Write(ref hasEnded, true);
        Assert.Equal(1, await _channel.Client.InvokeAsync(0).Limited());
        await loop.Limited();
    }

    [Fact]
    public void Init_WithCallsInside_IsReadableAtOnce()
    {
        Send(3);
        using var epoll = new Epoll();
        epoll.Add(_source.Descriptor, Epoll.Readable);
        Assert.False(epoll.Wait(0));
        _source.Init();
        Assert.True(epoll.Wait(0));
        Assert.Equal(3, _source.OnReady(10));
        Assert.False(epoll.Wait(0));
    }

    [Fact]
    public void Poll_WhileTheLoopSpins_WritesAndReadsNothing()
    {
        _source.Init();
        Assert.Equal(0, _source.Poll(10));
        for (int round = 0; round < 100; round++)
        {
            Send(5);
            Assert.Equal(5, _source.Poll(10));
        }

        Assert.Equal(0, _source.Signals);
        Assert.Equal(0, Epoll.Take(_source.Descriptor));
        _source.Init(); // it sleeps again
        Send(1);
        Assert.Equal(1, _source.Signals);
    }

    [Fact]
    public void OnReady_SourceEnded_IsQuiet()
    {
        _source.Init();
        Send(2);
        _channel.Source.Complete();
        using var epoll = new Epoll();
        epoll.Add(_source.Descriptor, Epoll.Readable);
        int turns = 0;
        while (epoll.Wait(0))
        {
            Assert.True(++turns < 5);
            _source.OnReady(10);
        }

        Assert.Equal(2, _handled.Count);
    }

    [Fact]
    public async Task OnReady_TooManyHandlersRun_WaitsForOneToEnd()
    {
        var gates = new Queue<TaskCompletionSource>(Enumerable.Range(0, 5).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));
        var started = new List<TaskCompletionSource>();
        using var source = new EventFdSource<int, int>(
            _channel.Source,
            InvocationHandler.FromAsyncFunction<int, int>(async (argument, _) =>
            {
                TaskCompletionSource gate = gates.Dequeue();
                started.Add(gate);
                await gate.Task;
                return argument;
            }),
            new InvocationServerOptions { MaxConcurrency = 2 });
        using var epoll = new Epoll();
        epoll.Add(source.Descriptor, Epoll.Readable);
        Send(5);
        source.Init();
        for (int ended = 0; ended < 5; ended++)
        {
            while (started.Count < Math.Min(5, ended + 2))
            {
                Assert.True(epoll.Wait(60_000));
                source.OnReady(10);
            }

            Assert.Equal(Math.Min(5, ended + 2), started.Count);
            started[ended].SetResult();
        }

        await TimeLimit.UntilAsync(() => _channel.Source.Count == 0);
    }
}
