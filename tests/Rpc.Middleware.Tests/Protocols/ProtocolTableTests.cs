using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Who gets a connection, by its first bytes alone.</summary>
public sealed class ProtocolTableTests
{
    [Theory]
    [InlineData("P", null)]
    [InlineData("PR", null)]
    [InlineData("PRI", null)]
    [InlineData("PRP", null)]
    [InlineData("PRPC", "PRPC")]
    [InlineData("PRPX", "")]
    [InlineData("PRI ", "PRI ")]
    [InlineData("PRO", "")]
    [InlineData("Q", "")]
    public void TryFind_BeginningsThatOverlap_WaitsUntilTheyPart(string start, string? expected)
    {
        ProtocolTable table = new(new Fixed("PRPC"), new Fixed("PRI "), new Fixed(""));

        bool isSettled = table.TryFind(Bytes(start), isAll: false, out PortProtocol? found);

        Assert.Equal(expected is not null, isSettled);
        Assert.Equal(expected, (found as Fixed)?.Start);
    }

    [Fact]
    public void TryFind_FirstThatNeedsMore_MakesLaterOnesWait()
    {
        ProtocolTable table = new(new Fixed("AB"), new Fixed("A"));

        Assert.False(table.TryFind(Bytes("A"), isAll: false, out _));
        Assert.True(table.TryFind(Bytes("A"), isAll: true, out PortProtocol? atTheEnd));
        Assert.Equal("A", ((Fixed)atTheEnd!).Start);
    }

    [Theory]
    [InlineData(63, false)]
    [InlineData(64, true)]
    public void TryFind_NeedsMoreForEver_IsPassedByAfter64Bytes(int length, bool isSettled)
    {
        ProtocolTable table = new(new Fixed(new string('x', 100)), new Fixed("x"));

        Assert.Equal(isSettled, table.TryFind(Bytes(new string('x', length)), isAll: false, out PortProtocol? found));
        Assert.Equal(isSettled ? "x" : null, (found as Fixed)?.Start);
    }

    [Fact]
    public void TryFind_NobodysBytesOrNone_IsSettledWithoutAProtocol()
    {
        ProtocolTable table = new(new Fixed("A"));

        Assert.True(table.TryFind(Bytes("B"), isAll: false, out PortProtocol? unknown));
        Assert.True(table.TryFind(default, isAll: true, out PortProtocol? none));
        Assert.False(table.TryFind(default, isAll: false, out _));
        Assert.Null(unknown);
        Assert.Null(none);
    }

    private static ReadOnlySequence<byte> Bytes(string text) => new(Encoding.ASCII.GetBytes(text));

    private sealed class Fixed(string start) : PortProtocol
    {
        public string Start => start;

        public override RpcProtocolMatch Detect(in ReadOnlySequence<byte> bytes) => Match(bytes, Encoding.ASCII.GetBytes(start));

        public override Task ServeAsync(ConnectionContext connection) => Task.CompletedTask;
    }
}
