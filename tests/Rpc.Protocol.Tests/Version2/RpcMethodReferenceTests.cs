using System.Text;

namespace Kestrel.Rpc.Protocol.Tests;

public class RpcMethodReferenceTests
{
    [Fact]
    public void References_SameMethod_IsNamedOnceThenByIndex()
    {
        RpcMethodReferences references = new();
        RpcMethodReference first = Define(references, Frames.Hello);
        Assert.Equal(1, first.Index);
        Assert.Equal("helloworld/Hello", Encoding.UTF8.GetString(first.Name));
        foreach (RpcMethodName again in (RpcMethodName[])[Frames.Hello, RpcMethodName.Parse("helloworld/Hello")])
        {
            RpcMethodReference later = references.For(again);
            Assert.Equal(1, later.Index);
            Assert.False(later.IsNamed);
        }

        Assert.Equal(1, references.Count);
    }

    [Fact]
    public void References_OverTheLimit_AreNamedEachTimeUntilItIsRaised()
    {
        RpcMethodReferences references = new(2);
        RpcMethodName[] methods = [.. Enumerable.Range(0, 300).Select(i => new RpcMethodName("S", $"M{i}"))];
        foreach (RpcMethodName method in methods)
        {
            Define(references, method);
        }

        Assert.Equal(2, references.Count);
        Assert.Equal(0, references.For(methods[2]).Index);
        Assert.True(references.For(methods[2]).IsNamed);

        references.Raise(256);
        references.Raise(10);
        Assert.Equal(256, references.Limit);
        for (int i = 0; i < methods.Length; i++)
        {
            RpcMethodReference reference = Define(references, methods[i]);
            Assert.Equal(i < 256 ? i + 1 : 0, reference.Index);
            Assert.Equal(i >= 2, reference.IsNamed);
        }

        for (int i = 255; i >= 0; i--)
        {
            Assert.Equal(i + 1, references.For(methods[i]).Index);
            Assert.False(references.For(methods[i]).IsNamed);
        }
    }

    [Fact]
    public void References_FrameThatWasNotWritten_DefinesNothing()
    {
        RpcMethodReferences references = new();
        Assert.Equal(1, references.For(Frames.Hello).Index);
        Assert.Equal(1, Define(references, new RpcMethodName("S", "M")).Index);
        RpcMethodReference again = references.For(Frames.Hello);
        Assert.Equal((2, true), (again.Index, again.IsNamed));
        references.Defined(Frames.Hello, again);
        Assert.Throws<InvalidOperationException>(() => references.Defined(Frames.Hello, new RpcMethodReference(2, Frames.Hello.Name.Span)));
    }

    [Theory]
    [InlineData("a/b", "c")]
    [InlineData("a", "b/c")]
    public void References_NameWithASlash_CannotBeCalled(string service, string method)
    {
        RpcMethodName name = new(service, method);
        Assert.True(name.Name.IsEmpty);
        Assert.Equal(RpcStatusCode.InvalidArgument, Assert.Throws<RpcException>(() => _ = new RpcMethodReferences().For(name).Index).StatusCode);
    }

    [Fact]
    public void Name_TooLong_IsEmpty()
    {
        Assert.Equal(512, new RpcMethodName("S", new string('m', 510)).Name.Length);
        Assert.True(new RpcMethodName("S", new string('m', 511)).Name.IsEmpty);
    }

    [Fact]
    public void Table_Definitions_AreFoundAndBounded()
    {
        RpcMethodTable<string> table = new(3);
        Assert.Null(table.Find(1));
        Assert.Equal(RpcHeaderError.None, table.Define(0, "nothing"));
        Assert.Null(table.Find(0));
        Assert.Equal(RpcHeaderError.None, table.Define(3, "c"));
        Assert.Equal(RpcHeaderError.None, table.Define(1, "a"));
        Assert.Equal(RpcHeaderError.BadMethodIndex, table.Define(1, "a"));
        Assert.Equal(RpcHeaderError.BadMethodIndex, table.Define(4, "d"));
        Assert.Equal(RpcHeaderError.BadMethodIndex, table.Define(-1, "x"));
        Assert.Equal(("a", null, "c", null, null), (table.Find(1), table.Find(2), table.Find(3), table.Find(4), table.Find(-1)));
    }

    [Fact]
    public void Table_ManyDefinitionsInAnyOrder_AreAllFound()
    {
        RpcMethodTable<object> table = new(256);
        int[] order = [.. Enumerable.Range(1, 256)];
        new Random(7).Shuffle(order);
        object[] methods = [.. order.Select(_ => new object())];
        for (int i = 0; i < order.Length; i++)
        {
            Assert.Equal(RpcHeaderError.None, table.Define(order[i], methods[i]));
        }

        Assert.All(Enumerable.Range(0, order.Length), i => Assert.Same(methods[i], table.Find(order[i])));
    }

    [Fact]
    public void Reference_OutOfRange_Throws()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcMethodReference(0).Index);
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcMethodReference(65_536).Index);
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcMethodReference(-1, "a/b"u8).Index);
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcMethodReference(1, default).Index);
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcMethodReference(1, new byte[513]).Index);
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcMethodTable<string>(65_536));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcMethodReferences(-1));
    }

    private static RpcMethodReference Define(RpcMethodReferences references, RpcMethodName method)
    {
        RpcMethodReference reference = references.For(method);
        references.Defined(method, reference);
        return reference;
    }
}
