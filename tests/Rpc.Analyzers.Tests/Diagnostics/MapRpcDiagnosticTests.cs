namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>What is said of handlers and names: the id, the words and the place, which is marked with «».</summary>
public sealed class MapRpcDiagnosticTests
{
    public static TheoryData<string, string, string> Handlers => new()
    {
        { "KRPC001", "no parameter for its request", """app.MapRpc("a/B", «(IStock stock) => new HelloReply()»);""" },
        { "KRPC002", "HelloRequest and HelloReply", """app.MapRpc("a/B", (HelloRequest r, HelloReply «s») => new HelloReply());""" },
        { "KRPC002", "Int32Value and HelloRequest", """app.MapRpc("a/B", (IAsyncEnumerable<Int32Value> s, HelloRequest «r») => new HelloReply());""" },
        { "KRPC003", "cannot be created", """app.MapRpc("a/B", (IMessage «r») => new HelloReply());""" },
        { "KRPC004", "'number' by reference", """app.MapRpc("a/B", (HelloRequest r, ref int «number») => new HelloReply());""" },
        { "KRPC004", "'text' by reference", """app.MapRpc("a/B", (HelloRequest r, ReadOnlySpan<char> «text») => new HelloReply());""" },
        { "KRPC005", "'number' of type int", """app.MapRpc("a/B", (HelloRequest r, int «number») => new HelloReply());""" },
        { "KRPC005", "'text' of type string", """app.MapRpc("a/B", (HelloRequest r, string «text») => new HelloReply());""" },
        { "KRPC006", "returns string", """app.MapRpc("a/B", «(HelloRequest r) => r.Msg»);""" },
        { "KRPC006", "Task<string>", """app.MapRpc("a/B", «(HelloRequest r) => Task.FromResult(r.Msg)»);""" },
        { "KRPC007", "async void", """app.MapRpc("a/B", «Forget»);""" },
        { "KRPC008", "Int32Value and of StringValue", """app.MapRpc("a/B", Task (HelloRequest r, IRpcStreamWriter<Int32Value> a, IRpcStreamWriter<StringValue> «b») => Task.CompletedTask);""" },
        { "KRPC009", "writes its replies", """app.MapRpc("a/B", «(HelloRequest r, IRpcStreamWriter<Int32Value> a) => new HelloReply()»);""" },
        { "KRPC010", "'Find' is not the name", """app.MapRpc(«"Find"», (HelloRequest r) => new HelloReply());""" },
        { "KRPC010", "'a b/C' is not the name", """app.MapRpc(«"a b/C"», (HelloRequest r) => new HelloReply());""" },
        { "KRPC010", "'a/b/C' is not the name", """app.MapRpcGroup("x").MapRpc(«"a/b/C"», (HelloRequest r) => new HelloReply());""" },
        { "KRPC010", "'/C' is not the name", """app.MapRpc<HelloRequest, HelloReply>(«"/C"», (r, c) => default);""" },
        { "KRPC010", "'C' is not the name", """app.MapRpcServerStream<HelloRequest, HelloReply>(«"C"», (r, w, c) => default);""" },
        { "KRPC011", "'a/B' is mapped twice", """app.MapRpc("a/B", (HelloRequest r) => new HelloReply()); app.MapRpc(«"a/B"», (Empty r) => new HelloReply());""" },
        { "KRPC011", "'a/B' is mapped twice", """app.MapRpc("a/B", (HelloRequest r) => new HelloReply()); if (DateTime.Now.Year > 2000) { app.MapRpc(«Name», (Empty r) => new HelloReply()); }""" },
        { "KRPC011", "'B' is mapped twice", """var group = app.MapRpcGroup("a"); group.MapRpc("B", (HelloRequest r) => new HelloReply()); group.MapRpc(«"B"», (Empty r) => new HelloReply());""" },
    };

    [Theory, MemberData(nameof(Handlers))]
    public async Task Mistake_InAMapping_IsSaidAtItsPlace(string id, string words, string code)
    {
        IReadOnlyList<Found> found = await Driver.AnalyzeAsync(Program(code));

        Found one = Assert.Single(found);
        Assert.Equal(id, one.Id);
        Assert.Contains(words, one.Message, StringComparison.Ordinal);
        Assert.Equal(Driver.Marks(code).Single(), one.Place);
    }

    public static TheoryData<string> Correct =>
    [
        """app.MapRpc("a/B", (HelloRequest r, IStock stock, RpcContext c, CancellationToken t, IServiceProvider p) => new HelloReply());""",
        """app.MapRpc("a/B", (HelloRequest r, int number = 5, string text = "x") => Task.FromResult(new HelloReply()));""",
        """app.MapRpc("a/B", (HelloRequest r, [FromKeyedServices("x")] string text) => ValueTask.FromResult(new HelloReply()));""",
        """app.MapRpc("a/B", (IAsyncEnumerable<HelloRequest> r) => r); app.MapRpc("a/C", (Empty e) => { });""",
        """app.MapRpc("a/B", async (IRpcStreamReader<HelloRequest> r, IRpcStreamWriter<HelloReply> w) => await w.WriteAsync(new HelloReply()));""",
        """var group = app.MapRpcGroup("a"); group.MapRpc("B", (Empty e) => { }); app.MapRpc("B/C", (Empty e) => { });""",
        """if (DateTime.Now.Year > 2000) { app.MapRpc("a/B", (Empty e) => { }); } else { app.MapRpc("a/B", (Empty e) => { }); }""",
        """if (DateTime.Now.Year > 2000) { app.MapRpc("a/B", (Empty e) => { }); return; } app.MapRpc("a/B", (Empty e) => { });""",
        """switch (DateTime.Now.Year) { case 1: app.MapRpc("a/B", (Empty e) => { }); break; default: app.MapRpc("a/B", (Empty e) => { }); break; }""",
        """var other = app; app.MapRpcGroup("x").MapRpc("a/B", (Empty e) => { }); app.MapRpcGroup("y").MapRpc("a/B", (Empty e) => { });""",
        """Delegate known = (string text) => text; app.MapRpc("a/B", known); string name = DateTime.Now.ToString(); app.MapRpc(name, (Empty e) => { });""",
        """Generic<HelloRequest>(app); static void Generic<T>(WebApplication app) where T : class, IMessage<T>, new() => app.MapRpc("a/B", (T r) => new HelloReply());""",
    ];

    [Theory, MemberData(nameof(Correct))]
    public async Task CorrectMapping_IsLeftAlone(string code) => Assert.Empty(await Driver.AnalyzeAsync(Program(code)));

    private static string Program(string code) => $$"""
        public interface IStock;

        public static class Program
        {
            private const string Name = "a/B";

            public static async void Forget(HelloRequest request) => await Task.Yield();

            public static void Map(WebApplication app)
            {
                {{code}}
            }
        }
        """;
}
