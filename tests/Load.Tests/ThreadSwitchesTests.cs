using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Load.Tests;

public sealed class ThreadSwitchesTests
{
    [Fact]
    public void Between_ThreadsThatComeAndGo_CountsThoseAliveAtTheEnd()
    {
        var before = new Dictionary<int, long> { [1] = 100, [2] = 50 };
        var after = new Dictionary<int, long> { [1] = 130, [3] = 5 };

        Assert.Equal(35, ThreadSwitches.Between(before, after));
        Assert.Equal(0, ThreadSwitches.Between(null, after));
    }

    [Fact]
    public void Of_ThreadThatSleeps_Grows()
    {
        Dictionary<int, long> before = ThreadSwitches.Of(Environment.ProcessId);
        using var turn = new SemaphoreSlim(0);
        using var done = new SemaphoreSlim(0);
        var thread = new Thread(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                turn.Wait();
                done.Release();
            }
        });
        thread.Start();
        for (int i = 0; i < 100; i++)
        {
            turn.Release();
            Assert.True(done.Wait(TimeSpan.FromSeconds(30)));
        }

        thread.Join();
        Assert.True(ThreadSwitches.Between(before, ThreadSwitches.Of(Environment.ProcessId)) > 0);
    }
}
