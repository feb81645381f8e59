namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The table of calls that are under way.</summary>
public sealed class ActiveCallsTests
{
    [Fact]
    public void Find_CallsComeAndGo_OnlyThoseUnderWayAreFound()
    {
        Func<RpcCall> newCall = DetachedCalls.Create();
        RpcActiveCalls table = new();
        Dictionary<uint, RpcCall> expected = [];
        Random random = new(1);
        for (uint id = 1; id < 20_000; id++)
        {
            RpcCall call = newCall();
            call.Version2!.Start(id);
            table.Add(id, call);
            expected.Add(id, call);
            if (expected.Count > 100 || random.Next(3) == 0)
            {
                uint ended = expected.Keys.ElementAt(random.Next(expected.Count));
                expected.Remove(ended, out RpcCall? over);
                over!.Version2!.End();
                Assert.Null(table.Find(ended));
            }
        }

        Assert.All(expected, entry => Assert.Same(entry.Value, table.Find(entry.Key)));
        Assert.Null(table.Find(20_001));
        Assert.InRange(table.Capacity, 128, 1024); // not what has gone through it
    }

    [Theory]
    [InlineData(1u << 12)]
    [InlineData(1u << 20)]
    [InlineData(1u << 27)]
    public void Add_IdsChosenToMeet_TakeNoMoreMemoryThanOthers(uint distance)
    {
        Func<RpcCall> newCall = DetachedCalls.Create();
        RpcActiveCalls table = new();
        List<(uint Id, RpcCall Call)> calls = [];
        for (uint i = 0; i < 30; i++)
        {
            uint id = unchecked((i * distance) + 1 + (i / 32));
            RpcCall call = newCall();
            call.Version2!.Start(id);
            if (table.Find(id) is null)
            {
                table.Add(id, call);
                calls.Add((id, call));
            }
        }

        Assert.All(calls, entry => Assert.Same(entry.Call, table.Find(entry.Id)));
        Assert.InRange(table.Capacity, 16, 4200);
    }

    [Fact]
    public void Add_ManyThatMeetOneAfterTheOther_ThoseThatEndedAreForgotten()
    {
        Func<RpcCall> newCall = DetachedCalls.Create();
        RpcActiveCalls table = new();
        List<RpcCall> keepers = [];
        for (uint i = 0; i < 10; i++)
        {
            keepers.Add(newCall());
            keepers[^1].Version2!.Start((i << 20) + 1);
            table.Add((i << 20) + 1, keepers[^1]);
        }

        RpcCall one = newCall();
        for (uint i = 10; i < 4000; i++)
        {
            one.Version2!.Start((i << 20) + 1);
            table.Add((i << 20) + 1, one);
            one.Version2.End();
        }

        Assert.All(keepers.Index(), keeper => Assert.Same(keeper.Item, table.Find(((uint)keeper.Index << 20) + 1)));
        Assert.InRange(table.Capacity, 4096, 4096 + 100);
    }
}
