namespace Kestrel.Rpc.Transport.Tests.Engines;

public sealed class SlotTableTests
{
    [Fact]
    public void Find_AfterTheSlotWasUsedAgain_DoesNotReturnTheNewHolder()
    {
        var table = new SlotTable<string>();
        ulong first = table.Add("first");
        table.Remove(first);

        ulong second = table.Add("second");

        Assert.Null(table.Find(first));
        Assert.Equal("second", table.Find(second));
    }

    [Fact]
    public void Add_ManyMoreThanTheInitialSize_KeepsEachNumber()
    {
        var table = new SlotTable<string>();

        (ulong Number, string Text)[] all = Enumerable.Range(0, 10_000)
            .Select(i => $"{i}").Select(text => (table.Add(text), text)).ToArray();

        Assert.All(all, pair => Assert.Equal(pair.Text, table.Find(pair.Number)));
        Assert.All(all, pair => Assert.Equal(0UL, pair.Number >> 56)); // the top byte is the caller's
    }
}
