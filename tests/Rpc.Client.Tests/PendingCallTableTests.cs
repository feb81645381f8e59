using Google.Protobuf.WellKnownTypes;

namespace Kestrel.Rpc.Client.Tests;

public class PendingCallTableTests
{
    [Fact]
    public void Add_IdsInUseAfterAWrap_AreSkipped()
    {
        PendingCallTable table = new(capacity: 10, lastId: 0);
        PendingCall[] old = [NewCall(), NewCall(), NewCall()];
        Assert.Equal([1u, 2u, 3u], old.Select(call => Add(table, call)));
        Assert.True(table.TryRemove(2, out _));

        // As if four billion calls had gone by.
        table.LastId = uint.MaxValue;
        Assert.Equal(2u, Add(table, NewCall()));
        Assert.Equal(4u, Add(table, NewCall()));
        Assert.True(table.TryRemove(1, out PendingCall? first));
        Assert.Same(old[0], first);
    }

    [Fact]
    public void Remove_Twice_SucceedsOnce()
    {
        PendingCallTable table = new(capacity: 1);
        PendingCall call = NewCall();
        uint id = Add(table, call);
        Assert.True(table.Remove(call));
        Assert.False(table.Remove(call));
        Assert.False(table.TryRemove(id, out _));
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public void Add_FullOrClosed_IsRefused()
    {
        PendingCallTable table = new(capacity: 1);
        PendingCall call = NewCall();
        Add(table, call);
        Assert.Equal(PendingCallTableResult.Full, table.Add(NewCall()));
        Assert.Equal([call], table.Close());
        Assert.Equal(PendingCallTableResult.Closed, table.Add(NewCall()));
        Assert.Empty(table.Close());
        Assert.False(table.Remove(call));
    }

    private static PendingCall<Empty> NewCall() => new();

    private static uint Add(PendingCallTable table, PendingCall call)
    {
        Assert.Equal(PendingCallTableResult.Added, table.Add(call));
        return call.SequenceId;
    }
}
