namespace Kestrel.Rpc.Protocol.Tests;

public class RpcMethodNameTests
{
    [Fact]
    public void ProtocolData_Golden_IsByteForByte() =>
        Assert.Equal(Golden.ProtocolData, new RpcMethodName("helloworld", "Hello").ProtocolData.ToArray());

    [Fact]
    public void Parse_ServiceAndMethod_GivesBoth()
    {
        RpcMethodName name = RpcMethodName.Parse("my.Service/Find");
        Assert.Equal("my.Service", name.Service);
        Assert.Equal("Find", name.Method);
        Assert.Equal("my.Service/Find", name.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("Find")]
    [InlineData("/Find")]
    [InlineData("service/")]
    [InlineData("/service/Find")]
    [InlineData("a/b/c")]
    public void Parse_NotServiceAndMethod_Throws(string name) => Assert.Throws<FormatException>(() => RpcMethodName.Parse(name));

    [Fact]
    public void Constructor_EmptyOrBrokenText_Throws()
    {
        Assert.Throws<ArgumentException>(() => new RpcMethodName("", "M"));
        Assert.Throws<ArgumentException>(() => new RpcMethodName("S", ""));
        Assert.ThrowsAny<ArgumentException>(() => new RpcMethodName("S", "\ud800"));
    }

    [Fact]
    public void Equals_SameNames_AreOneKey()
    {
        Assert.Equal(new RpcMethodName("S", "M"), RpcMethodName.Parse("S/M"));
        Assert.Equal(new RpcMethodName("S", "M").GetHashCode(), RpcMethodName.Parse("S/M").GetHashCode());
        Assert.NotEqual(new RpcMethodName("S", "m"), new RpcMethodName("S", "M"));
        Assert.NotEqual(new RpcMethodName("T", "M"), new RpcMethodName("S", "M"));
    }
}
