namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>Which calls of MapRpc are intercepted, and that what is generated compiles.</summary>
public sealed class InterceptorTests
{
    public static TheoryData<string> Seen =>
    [
        """app.MapRpc("a/B", (HelloRequest r) => new HelloReply());""",
        """app.MapRpc(handler: (HelloRequest r) => new HelloReply(), pattern: "a/B");""".Replace("pattern", "name", StringComparison.Ordinal),
        """RpcEndpointRouteBuilderExtensions.MapRpc(app, "a/B", (HelloRequest r) => new HelloReply());""",
        """app.MapRpcGroup("a").MapRpc("B", async (HelloRequest r) => { await Task.Yield(); return new HelloReply(); });""",
        """app.MapRpc("a/B", (HelloRequest r, IStock? @class = null, decimal d = 1.5m, Day day = Day.Two, char c = '\'', float f = 1e10f, long l = -1, string s = "a\"\\b", double? n = null, bool b = true) => new HelloReply());""",
        """app.MapRpc("a/B", (HelloRequest r, [FromKeyedServices(Day.Two)] IStock a, [FromKeyedServices(typeof(List<int>))] IStock b, [FromKeyedServices(7L)] IStock c) => new HelloReply());""",
        """app.MapRpc("a/B", (HelloRequest r, IEnumerable<IStock> a, (int A, string B)? pair = null) => new HelloReply());""",
        """app.MapRpc("a/B", (Func<HelloRequest, HelloReply>)(r => new HelloReply()));""",
        """app.MapRpc("a/B", (Own)((HelloRequest r, int number = 3) => new HelloReply()));""",
        """app.MapRpc("a/B", Method);""",
        """app.MapRpc("a/B", Overloaded<HelloRequest>);""",
        """string name = "a/B"; app.MapRpc(name, (IRpcStreamReader<HelloRequest> r, IRpcStreamWriter<HelloReply> w) => Task.CompletedTask);""",
        """app.MapRpc("a/B", (HelloRequest r, IRpcStreamWriter<HelloReply> w) => default(ValueTask));""",
        """app.MapRpc("a/B", async (HelloRequest r) => Many());""",
    ];

    [Theory, MemberData(nameof(Seen))]
    public void Handler_ThatCanBeSeen_IsIntercepted(string code)
    {
        string text = Assert.Single(Driver.Generate(Program(code))).Value;

        Assert.Single(text.Split("InterceptsLocation(").Skip(1));
    }

    public static TheoryData<string> Unseen =>
    [
        """Delegate handler = (HelloRequest r) => new HelloReply(); app.MapRpc("a/B", handler);""",
        """Func<HelloRequest, HelloReply> handler = r => new HelloReply(); app.MapRpc("a/B", handler);""",
        """app.MapRpc("a/B", (HelloRequest r, Hidden? h = null) => new HelloReply());""",
        """app.MapRpc("a/B", (HelloRequest r, params IStock[] all) => new HelloReply());""",
        """app.MapRpc("a/B", (HelloRequest r, double d = double.NaN) => new HelloReply());""",
        """Generic<HelloRequest>(app); static void Generic<T>(WebApplication app) where T : class, IMessage<T>, new() => app.MapRpc("a/B", (T r) => new HelloReply());""",
        """app.MapRpc<HelloRequest, HelloReply>("a/B", (r, c) => default);""",
        """app.MapRpc("a/B", (HelloRequest r, int number) => r.Msg);""",
    ];

    [Theory, MemberData(nameof(Unseen))]
    public void Handler_ThatCannotBeSeen_StaysWithTheRunTime(string code) => Assert.Empty(Driver.Generate(Program(code)));

    [Fact]
    public void Compiler_WithoutInterceptors_GetsNone()
    {
        string code = Program("""app.MapRpc("a/B", (HelloRequest r) => new HelloReply());""");

        Assert.Empty(Driver.Generate(Driver.Compile([code], interceptors: false), interceptors: false));
    }

    /// <summary>The cases of the binder's tests: what this assembly runs, generated code has bound.</summary>
    [Fact]
    public void BinderTests_OfThisAssembly_AreIntercepted()
    {
        Type interceptors = typeof(InterceptorTests).Assembly.GetTypes().Single(type => type.Name.EndsWith("MapRpcInterceptors", StringComparison.Ordinal));
        string[] files = [.. interceptors.GetMethods(System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.NonPublic)
            .SelectMany(method => method.GetCustomAttributesData())
            .Where(item => item.AttributeType.Name.EndsWith("InterceptsLocationAttribute", StringComparison.Ordinal))
            .Select(item => FileOf((string)item.ConstructorArguments[1].Value!))];

        // 21 handlers that answer, 2 of the 10 that do not (their service is missing), and the one of the last test.
        Assert.Equal(24, files.Count(file => file == "BindingTests.cs"));
        Assert.Equal(9, files.Count(file => file == "StreamServer.cs"));
    }

    // Behind the file's checksum and the place in it.
    private static string FileOf(string location) => System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(location).AsSpan(20));

    private static string Program(string code) => $$"""
        #pragma warning disable
        public interface IStock;
        public enum Day { One, Two }
        public delegate HelloReply Own(HelloRequest request, int number = 3);

        public static class Program
        {
            private interface Hidden;

            private static HelloReply Method(HelloRequest request, IStock? stock = null) => new();

            private static HelloReply Overloaded<T>(T request) => new();

            private static async IAsyncEnumerable<HelloReply> Many() { yield return new HelloReply(); }

            public static void Map(WebApplication app)
            {
                {{code}}
            }
        }
        """;
}
