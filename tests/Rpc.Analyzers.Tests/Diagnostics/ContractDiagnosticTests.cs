namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>What is said of interfaces with [RpcService]: the id, the words and the place, which is marked with «».</summary>
public sealed class ContractDiagnosticTests
{
    public static TheoryData<string, string, string> Mistakes => new()
    {
        { "KRPC020", "must be 'partial'", "[RpcService] public interface «IShop» { Task<HelloReply> A(HelloRequest r); }" },
        { "KRPC020", "'Outer' must be", "public class «Outer» { [RpcService] public partial interface IShop { Task<HelloReply> A(HelloRequest r); } }" },
        { "KRPC021", "cannot be generic", "[RpcService] public partial interface «IShop»<T> { Task<HelloReply> A(HelloRequest r); }" },
        { "KRPC022", "must be public or internal", "public partial class Outer { [RpcService] private partial interface «IShop» { Task<HelloReply> A(HelloRequest r); } }" },
        { "KRPC023", "'a/b' is not the name", """[RpcService("a/b")] public partial interface «IShop» { Task<HelloReply> A(HelloRequest r); }""" },
        { "KRPC024", "'a b' is not the name", """[RpcService] public partial interface IShop { [RpcMethod("a b")] Task<HelloReply> «A»(HelloRequest r); }""" },
        { "KRPC010", "'x' is not the name", """[RpcService] public partial interface IShop { [RpcMethod(Aliases = new[] { "x" })] Task<HelloReply> «A»(HelloRequest r); }""" },
        { "KRPC025", "has 0 parameters", "[RpcService] public partial interface IShop { Task<HelloReply> «A»(CancellationToken t); }" },
        { "KRPC025", "has 2 parameters", "[RpcService] public partial interface IShop { Task<HelloReply> «A»(HelloRequest r, HelloRequest s); }" },
        { "KRPC026", "'r' of 'A'", "[RpcService] public partial interface IShop { Task<HelloReply> A(ref HelloRequest «r»); }" },
        { "KRPC026", "'r' of 'A'", "[RpcService] public partial interface IShop { Task<HelloReply> A(in HelloRequest «r»); }" },
        { "KRPC027", "'A' is generic", "[RpcService] public partial interface IShop { Task<HelloReply> «A»<T>(HelloRequest r); }" },
        { "KRPC028", "'A' returns Hello.HelloReply", "[RpcService] public partial interface IShop { HelloReply «A»(HelloRequest r); }" },
        { "KRPC028", "'A' returns void", "[RpcService] public partial interface IShop { void «A»(HelloRequest r); }" },
        { "KRPC029", "'A' of the service", "[RpcService] public partial interface IShop { HelloReply «A» { get; } }" },
        { "KRPC029", "'A' of the service", "[RpcService] public partial interface IShop { event Action «A»; }" },
        { "KRPC029", "'A' of the service", "[RpcService] public partial interface IShop { static abstract Task<HelloReply> «A»(HelloRequest r); }" },
        { "KRPC030", "Order of 'A' is no message", "public class Order; [RpcService] public partial interface IShop { Task<HelloReply> A(Order «r»); }" },
        { "KRPC030", "string of 'A' is no message", "[RpcService] public partial interface IShop { Task<string> «A»(HelloRequest r); }" },
        { "KRPC030", "int of 'A' is no message", "[RpcService] public partial interface IShop { Task<HelloReply> A(IAsyncEnumerable<int> «r»); }" },
        { "KRPC031", "'String' is no codec", "[RpcService, RpcCodec(typeof(string))] public partial interface «IShop» { Task<HelloReply> A(HelloRequest r); }" },
        { "KRPC032", "both called 'A'", "[RpcService] public partial interface IShop { Task<HelloReply> A(HelloRequest r); Task<HelloReply> «AAsync»(HelloRequest r); }" },
        { "KRPC033", "'A' is one way", "[RpcService] public partial interface IShop { [RpcMethod(IsOneWay = true)] Task<HelloReply> «A»(HelloRequest r); }" },
    };

    [Theory, MemberData(nameof(Mistakes))]
    public async Task Mistake_InAContract_IsSaidAtItsPlace(string id, string words, string code)
    {
        Found one = Assert.Single(await Driver.AnalyzeAsync(code));

        Assert.Equal(id, one.Id);
        Assert.Contains(words, one.Message, StringComparison.Ordinal);
        Assert.Equal(Driver.Marks(code).Single(), one.Place);
    }

    public static TheoryData<string> Correct =>
    [
        "[RpcService] public partial interface IShop { Task<HelloReply> AAsync(HelloRequest r, CancellationToken t = default); static int Count => 1; }",
        "public partial class Outer { [RpcService] internal partial interface IShop { IAsyncEnumerable<HelloReply> A(IAsyncEnumerable<HelloRequest> r); } }",
        "public interface INotMarked { int A(ref string r); event Action B; }",
        """
        using System.Text.Json.Serialization;
        public record Order(string Id);
        [JsonSerializable(typeof(Order))] public partial class Json(System.Text.Json.JsonSerializerOptions? o) : JsonSerializerContext(o)
        {
            public static Json Default { get; } = new(null);
            protected override System.Text.Json.JsonSerializerOptions? GeneratedSerializerOptions => null;
            public override System.Text.Json.Serialization.Metadata.JsonTypeInfo? GetTypeInfo(System.Type type) => null;
        }
        [RpcService, RpcCodec(typeof(Json))] public partial interface IShop { Task<Order> A(Order r); }
        """,
    ];

    [Theory, MemberData(nameof(Correct))]
    public async Task CorrectContract_IsLeftAloneAndCompiles(string code)
    {
        Assert.Empty(await Driver.AnalyzeAsync(code));
        Driver.Generate(code);
    }
}
