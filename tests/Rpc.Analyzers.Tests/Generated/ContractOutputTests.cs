namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>What is generated for a contract, where its forms differ. The runtime's tests show that it works.</summary>
public sealed class ContractOutputTests
{
    private const string Plain = "namespace Shop; [RpcService] public partial interface IStore { Task<HelloReply> FindAsync(HelloRequest r); }";

    [Fact]
    public void Contract_WithBothLibraries_GetsServerAndClient()
    {
        (string name, string text) = Assert.Single(Driver.Generate(Plain));

        Assert.Equal("Shop.IStore.RpcService.g.cs", name);
        Assert.Contains("partial interface IStore : global::Kestrel.Rpc.Middleware.IRpcService", text, StringComparison.Ordinal);
        Assert.Contains("public sealed partial class StoreClient : IStore, global::Kestrel.Rpc.Client.IRpcClient<StoreClient>", text, StringComparison.Ordinal);
        Assert.Contains("""new global::Kestrel.Rpc.Protocol.RpcMethodName("Store", "Find")""", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Contract_WithoutTheServerLibrary_GetsTheClientAlone()
    {
        string text = Generate(Plain, "Kestrel.Rpc.Middleware");

        Assert.DoesNotContain("Middleware", text, StringComparison.Ordinal);
        Assert.Contains("class StoreClient", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Contract_WithoutTheClientLibrary_GetsTheServerAlone()
    {
        string text = Generate(Plain, "Kestrel.Rpc.Client");

        Assert.Contains("IRpcService", text, StringComparison.Ordinal);
        Assert.DoesNotContain("StoreClient", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Contract_Nested_StandsInTheSameTypes()
    {
        string text = Assert.Single(Driver.Generate("""
            public partial class Outer { internal partial record struct Inner { [RpcService("x.Y")] internal partial interface IStore { ValueTask A(Empty e); } } }
            """)).Value;

        Assert.Contains("partial record struct Inner", text, StringComparison.Ordinal);
        Assert.Contains("internal sealed partial class StoreClient", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Contract_InheritsMethods_HasThemToo()
    {
        string text = Assert.Single(Driver.Generate("""
            public interface IBase { Task<HelloReply> AAsync(HelloRequest r); }
            [RpcService] public partial interface IStore : IBase { Task<HelloReply> BAsync(HelloRequest r); }
            """)).Value;

        Assert.Contains("binder.Unary<global::IBase, ", text, StringComparison.Ordinal);
        Assert.Contains("""RpcMethodName("Store", "A")""", text, StringComparison.Ordinal);
        Assert.Contains("""RpcMethodName("Store", "B")""", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Method_Obsolete_IsObsoleteOnTheClient() => Assert.Contains(
        """[global::System.Obsolete("Use \"B\".")]""",
        Assert.Single(Driver.Generate("""[RpcService] public partial interface IStore { [Obsolete("Use \"B\".")] Task<HelloReply> A(HelloRequest @class); }""")).Value,
        StringComparison.Ordinal);

    [Fact]
    public void Contracts_WithMistakes_GetNothing() => Assert.Empty(
        Driver.Generate("[RpcService] public partial interface IStore { HelloReply A(HelloRequest r); }"));

    private static string Generate(string code, string without)
    {
        const string Neutral = "namespace Kestrel.Rpc.Middleware { internal class None; } namespace Kestrel.Rpc.Client { internal class None; }";
        return Assert.Single(Driver.Generate(Driver.Compile([code, Neutral], true, without))).Value;
    }
}
