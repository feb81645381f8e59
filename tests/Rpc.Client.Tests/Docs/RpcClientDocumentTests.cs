using System.Text.RegularExpressions;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client.Tests.Version2;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests.Docs;

/// <summary>docs/rpc-client.md shows code that compiles, and that does what the page says.</summary>
public sealed partial class RpcClientDocumentTests
{
    [Fact]
    public void Document_Examples_AreThoseThatRun()
    {
        string[] shown = [.. CodeBlock().Matches(Read("docs/rpc-client.md")).Select(block => WithoutIndent(block.Groups["code"].Value))];
        string[] run = [.. Region().Matches(Read("tests/Rpc.Client.Tests/Docs/RpcClientExamples.cs"))
            .Select(region => WithoutIndent(region.Groups["code"].Value))];

        Assert.NotEmpty(shown);
        Assert.Equal(run, shown);
    }

    [Fact]
    public async Task Call_WithOptions_SendsThem()
    {
        await using ScriptedServer server = new();
        Task<string> call = RpcClientExamples.CallAsync(server.Client);
        ClientFrame request = await server.ReceiveAsync();
        Assert.Equal(("world", "abc12"), (request.Text, request.Metadata.GetValue("trace-id")));
        Assert.NotNull(request.Timeout);
        await server.SendAsync(ServerFrame.Response(request.CallId, "Hello world"));
        Assert.Equal("Hello world", await call.Within());
    }

    [Fact]
    public async Task StartCall_Reply_ComesWithItsMetadata()
    {
        await using ScriptedServer server = new();
        Task<(string, string?)> call = RpcClientExamples.StartCallAsync(server.Client);
        RpcCallHeader header = new() { Metadata = new RpcMetadata { { "region", "east" } } };
        await server.SendAsync(ServerFrame.Response((await server.ReceiveAsync()).CallId, header, ServerFrame.Text("Hello world")));
        Assert.Equal(("Hello world", "east"), await call.Within());
    }

    [Fact]
    public async Task Call_ForACall_KeepsToItsTime()
    {
        await using ScriptedServer server = new();
        Task<string> call = RpcClientExamples.CallForAsync(server.Client, new ParentOfAMinute());
        ClientFrame request = await server.ReceiveAsync();
        Assert.InRange(request.Timeout!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        await server.SendAsync(ServerFrame.Response(request.CallId, "Hello world"));
        Assert.Equal("Hello world", await call.Within());
    }

    [Fact]
    public async Task Streams_AreReadAndWritten()
    {
        await using ScriptedServer server = new();
        Task<List<double>> watching = RpcClientExamples.WatchAsync(server.Client, TestContext.Current.CancellationToken);
        uint id = (await server.ReceiveAsync()).CallId;
        byte[] price = new DoubleValue { Value = 1.5 }.ToByteArray();
        await server.SendAsync(
            ServerFrame.Raw(RpcFrameType.Data, id, [], price), ServerFrame.Raw(RpcFrameType.Data, id, [], price), ServerFrame.End(id));
        Assert.Equal([1.5, 1.5], await watching.Within());

        Task<double> summing = RpcClientExamples.SumAsync(server.Client);
        id = (await server.ReceiveAsync()).CallId;
        double sum = 0;
        ClientFrame frame;
        while (!(frame = await server.ReceiveAsync()).Flags.HasFlag(RpcCallBits.End))
        {
            sum += DoubleValue.Parser.ParseFrom(frame.Body).Value;
        }

        await server.SendAsync(ServerFrame.Raw(RpcFrameType.Response, id, [], new DoubleValue { Value = sum }.ToByteArray()));
        Assert.Equal(6, await summing.Within());
    }

    [Fact]
    public async Task Call_NotProcessed_GoesElsewhere()
    {
        await using ScriptedServer full = new();
        await using ScriptedServer other = new();
        Task<string> call = RpcClientExamples.RetryAsync(full.Client, other.Client);
        await full.SendAsync(ServerFrame.Failure(
            (await full.ReceiveAsync()).CallId, RpcStatusCode.Unavailable, "The server stops.", RpcCallBits.NotProcessed));
        await other.SendAsync(ServerFrame.Response((await other.ReceiveAsync()).CallId, "from the other"));
        Assert.Equal("from the other", await call.Within());
    }

    [GeneratedRegex(@"```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@" // begin: [^\n]*\n(?<code>.*?)\n *// end", RegexOptions.Singleline)]
    private static partial Regex Region();

    private static string WithoutIndent(string code) =>
        string.Join('\n', code.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));

    private static string Read(string file)
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Kestrel.Rpc.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        Assert.NotNull(folder);
        return File.ReadAllText(Path.Combine(folder, file));
    }

    private sealed class ParentOfAMinute : IRpcParentCall
    {
        public TimeSpan? TimeLeft => TimeSpan.FromMinutes(1);

        public CancellationToken CancellationToken => CancellationToken.None;
    }
}
