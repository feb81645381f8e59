using System.Buffers;
using System.Net;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A third protocol on the port, brought by the application: its calls are calls like all others.</summary>
public sealed class PluggedProtocolTests
{
    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task OnePort_OwnProtocolBesideTheOthers_EachIsServed(TransportKind transport)
    {
        await using TestServer server = await StartAsync(OnePort.MapAll, transport: transport);
        await using RawPeer text = await server.ConnectAsync();
        await using RawPeer version1 = await server.ConnectAsync();
        await using Version2Peer version2 = await Version2Peer.ConnectAsync(server);
        using HttpClient http1 = OnePort.Client(server.EndPoint, HttpVersion.Version11);
        using HttpClient http2 = OnePort.Client(server.EndPoint, HttpVersion.Version20);

        await text.SendAsync(TextPeer.Hello(ulong.MaxValue, "text"));
        await version1.SendAsync(Golden.Call(1, "one"));
        await version2.SendAsync(Version2Frames.Hello(1, "two"));

        TextReply reply = await text.ReceiveTextAsync();
        Assert.Equal((ulong.MaxValue, "Hello text"), (reply.Id, reply.Msg));
        Assert.Equal("Hello one", (await version1.ReceiveAsync()).Msg);
        Assert.Equal("Hello two", (await version2.ReceiveResponseAsync(1)).Text);
        Assert.Equal("HTTP/1.1", await http1.GetStringAsync(new Uri("/", UriKind.Relative)).InTime());
        Assert.Equal("HTTP/2", await http2.GetStringAsync(new Uri("/", UriKind.Relative)).InTime());
        Assert.Empty(server.Logs.Ours);
    }

    [Fact]
    public async Task Call_WithMiddlewareAndFilters_PassesThemAsEveryOther()
    {
        List<string> passed = [];
        await using TestServer server = await StartAsync(app =>
        {
            app.UseRpc(rpc => rpc
                .Use(async (call, next) =>
                {
                    passed.Add($"{call.Protocol} {call.ProtocolVersion} {call.SequenceId} {call.Name} {call.RequestMetadata.GetValue("who")}");
                    await next(call);
                    call.ReplyMetadata.Add("ahead", "1");
                    call.ReplyTrailers.Add("behind", "2");
                })
                .AddRpcFilter((call, next) =>
                {
                    passed.Add("filter");
                    return next(call);
                }));
            app.MapHello();
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(TextPeer.Hello((7UL << 32) + 5, "x", " who=me"));

        Assert.Equal(["OK", $"{(7UL << 32) + 5}", "9", "ahead=1", "behind=2"], (await peer.ReceiveTextAsync()).Words);
        Assert.Equal(["text 0 5 helloworld/Hello me", "filter"], passed);
    }

    [Theory]
    [InlineData(RpcScheduling.ThreadPool)]
    [InlineData(RpcScheduling.Inline)]
    [InlineData(RpcScheduling.Dedicated)]
    public async Task Calls_ManyInOneSegment_EachIsAnswered(RpcScheduling scheduling)
    {
        const int Count = 2000;
        await using TestServer server = await StartAsync(app => app.MapHello().WithScheduling(scheduling), rpc => rpc.Limits.MaxConcurrentCallsPerConnection = 50);
        await using RawPeer peer = await server.ConnectAsync();

        Task sending = peer.SendAsync(Enumerable.Range(0, Count).SelectMany(i => TextPeer.Hello((ulong)i, $"{i}")).ToArray());
        Dictionary<ulong, string> replies = [];
        while (replies.Count < Count)
        {
            TextReply reply = await peer.ReceiveTextAsync();
            replies.Add(reply.Id, reply.Msg);
        }

        await sending;
        Assert.All(replies, reply => Assert.Equal($"Hello {reply.Key}", reply.Value));
    }

    [Fact]
    public async Task Call_CutAtEveryByte_IsAnswered()
    {
        await using TestServer server = await StartAsync();
        byte[] bytes = TextPeer.Hello(1, "cut");
        for (int cut = 1; cut < bytes.Length; cut++)
        {
            await using RawPeer peer = await server.ConnectAsync();
            await peer.SendAsync(bytes.AsMemory(0, cut));
            await Task.Yield();
            await peer.SendAsync(bytes.AsMemory(cut));

            Assert.Equal("Hello cut", (await peer.ReceiveTextAsync()).Msg);
        }
    }

    [Theory]
    [InlineData("no/Such", "", nameof(RpcStatusCode.Unimplemented))]
    [InlineData("no-name", "", nameof(RpcStatusCode.Unimplemented))]
    [InlineData(Golden.Name, " refuse=today", nameof(RpcStatusCode.FailedPrecondition))]
    [InlineData(Golden.Name, " timeout=0", nameof(RpcStatusCode.DeadlineExceeded))]
    [InlineData("test/Fails", "", nameof(RpcStatusCode.NotFound))]
    [InlineData("test/Large", "", nameof(RpcStatusCode.ResourceExhausted))]
    [InlineData(Golden.Name, " state=unspeakable", nameof(RpcStatusCode.Internal))]
    public async Task Call_Fails_GetsTheStatusAndTheConnectionLives(string name, string more, string code)
    {
        await using TestServer server = await StartAsync(app =>
        {
            app.MapHello();
            app.MapRpc("test/Fails", HelloReply (HelloRequest request) => throw new RpcException(RpcStatusCode.NotFound, "none"));
            app.MapRpc("test/Large", (HelloRequest request) => new HelloReply { Msg = new string('x', 2000) });
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(TextPeer.Hello(1, "x", more, name));
        TextReply failed = await peer.ReceiveTextAsync();
        await peer.SendAsync(TextPeer.Hello(2, "y"));

        Assert.Equal(["ERR", "1", code], failed.Words[..3]);
        Assert.Equal("Hello y", (await peer.ReceiveTextAsync()).Msg);
    }

    [Theory]
    [InlineData(10, "OK")]
    [InlineData(600, "ERR")] // both ways would be over the limit of 1,000
    public async Task Call_WithAttachment_ComesBackBesideTheReply(int length, string result)
    {
        await using TestServer server = await StartAsync(app => app.MapRpc(Golden.Name, (HelloRequest request, RpcContext call) =>
        {
            byte[] twice = [.. call.RequestAttachment.ToArray(), .. call.RequestAttachment.ToArray()];
            call.ReplyAttachment = new ReadOnlySequence<byte>(twice);
            return new HelloReply { Msg = request.Msg };
        }));
        await using RawPeer peer = await server.ConnectAsync();
        byte[] message = new HelloRequest { Msg = "m" }.ToByteArray();
        byte[] attachment = [.. Enumerable.Range(0, length).Select(i => (byte)i)];

        await peer.SendAsync(TextProtocol.Call(1, Golden.Name, [.. message, .. attachment], $" attachment={length}"));

        TextReply reply = await peer.ReceiveTextAsync();
        Assert.Equal(result, reply.Words[0]);
        if (result == "OK")
        {
            Assert.Equal([.. message, .. attachment, .. attachment], reply.Body);
        }
        else
        {
            Assert.Equal(nameof(RpcStatusCode.ResourceExhausted), reply.Words[2]);
        }
    }

    [Fact]
    public async Task Call_ToAMethodWithStreams_IsUnimplemented()
    {
        await using TestServer server = await StartAsync(app => app.MapRpc("test/Many", (HelloRequest request) => Many()));
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(TextPeer.Hello(1, "x", name: "test/Many"));

        Assert.Equal(nameof(RpcStatusCode.Unimplemented), (await peer.ReceiveTextAsync()).Words[2]);

        static async IAsyncEnumerable<HelloReply> Many()
        {
            await Task.Yield();
            yield return new HelloReply();
        }
    }

    [Fact]
    public async Task Call_BodyIsNoMessage_IsAnsweredWithAnError()
    {
        await using TestServer server = await StartAsync();
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(TextProtocol.Call(3, Golden.Name, [0xFF, 0xFF, 0xFF]));

        Assert.Equal(["ERR", "3"], (await peer.ReceiveTextAsync()).Words[..2]);
    }

    [Fact]
    public async Task Call_TimeRunsOut_CancelsTheHandler()
    {
        ManualTime time = new();
        TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await StartAsync(
            app => app.MapRpc(Golden.Name, async (HelloRequest request, RpcContext call) =>
            {
                Assert.Equal(TimeSpan.FromSeconds(1), call.TimeLeft);
                CancellationToken token = call.CancellationToken;
                started.SetResult();
                await Task.Delay(Timeout.Infinite, token);
                return new HelloReply();
            }),
            services: services => services.AddSingleton<TimeProvider>(time));
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(TextPeer.Hello(1, "x", " timeout=1000"));
        await started.Task.InTime();

        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(nameof(RpcStatusCode.DeadlineExceeded), (await peer.ReceiveTextAsync()).Words[2]);
    }

    [Fact]
    public async Task OneWayCallAndPing_OnlyThePingIsAnswered()
    {
        int calls = 0;
        await using TestServer server = await StartAsync(app => app.MapRpc(Golden.Name, (HelloRequest request, RpcContext call) =>
        {
            Assert.True(call.IsOneWay);
            Interlocked.Increment(ref calls);
            return new HelloReply();
        }).WithScheduling(RpcScheduling.Inline));
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync((byte[])[.. TextPeer.Hello(1, "x", " oneway=1"), .. "TXT PING 77\n"u8]);

        Assert.Equal("PONG 77", (await peer.ReceiveTextAsync()).Line);
        Assert.Equal(1, calls);
    }

    [Theory]
    [InlineData("TXT 1 helloworld/Hello 5000\n", "over the limit")]
    [InlineData("TXT 1 helloworld/Hello -1\n", "over the limit")]
    [InlineData("TXT BYE\n", "ends the connection")]
    [InlineData("TXT RESPONSE\n", "nobody has asked for")]
    [InlineData("TXT 1 helloworld/Hello 0\nGET / HTTP/1.1\n", "does not begin with TXT")]
    public async Task Peer_BreaksTheProtocol_CallsBeforeAreAnsweredThenClosed(string bytes, string reason)
    {
        await using TestServer server = await StartAsync();
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync((byte[])[.. TextPeer.Hello(9, "before"), .. System.Text.Encoding.ASCII.GetBytes(bytes)]);

        HashSet<ulong> expected = [9, .. bytes.Contains(" 0\n", StringComparison.Ordinal) ? [1UL] : Array.Empty<ulong>()];
        while (expected.Count > 0)
        {
            Assert.True(expected.Remove((await peer.ReceiveTextAsync()).Id));
        }

        peer.EndSending();
        Assert.Equal("", await peer.ReceiveUntilClosedAsync());
        await server.ExpectNothingLeftAsync();
        LogLine line = Assert.Single(server.Logs.Ours);
        Assert.Equal(23, line.Id);
        Assert.Contains(reason, line.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(" throw=1", 21)]
    [InlineData(" state=half", 35)]
    public async Task Protocol_ThrowsWhereItMustNot_ConnectionEndsWithAnError(string more, int logId)
    {
        await using TestServer server = await StartAsync();
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(TextPeer.Hello(1, "x", more));

        await peer.ReceiveUntilClosedAsync();
        await server.ExpectNothingLeftAsync();
        Assert.Contains(server.Logs.Ours, line => line.Id == logId && line.Level == LogLevel.Error);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Peer_FloodsAndDoesNotRead_CallsAreBoundedUntilItReads(TransportKind transport)
    {
        const int Count = 3000;
        const int Most = 20;
        int running = 0;
        int mostAtOnce = 0;
        string filler = new('x', 900);
        await using TestServer server = await StartAsync(
            app => app.MapRpc(Golden.Name, async (HelloRequest request) =>
            {
                int now = Interlocked.Increment(ref running);
                InterlockedMax(ref mostAtOnce, now);
                await Task.Yield();
                Interlocked.Decrement(ref running);
                return new HelloReply { Msg = filler };
            }),
            rpc => rpc.Limits.MaxConcurrentCallsPerConnection = Most,
            transport: transport);
        await using RawPeer peer = await server.ConnectAsync();

        Task sending = Task.Run(async () =>
        {
            for (int i = 0; i < Count; i++)
            {
                await peer.SendAsync(TextPeer.Hello((ulong)i, filler));
            }
        });
        for (int i = 0; i < Count; i++)
        {
            Assert.Equal(filler, (await peer.ReceiveTextAsync()).Msg);
        }

        await sending.InTime();
        Assert.InRange(mostAtOnce, 1, Most);
    }

    [Fact]
    public async Task HalfClose_CallsInFlight_AreAnsweredThenClosed()
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(app => app.MapRpc(Golden.Name, gate.HandleAsync));
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync((byte[])[.. TextPeer.Hello(1, "a"), .. TextPeer.Hello(2, "b"), .. "TXT 3 hello"u8]);
        peer.EndSending();
        await gate.WaitForStartedAsync(2);

        gate.Open();

        ulong[] ids = [(await peer.ReceiveTextAsync()).Id, (await peer.ReceiveTextAsync()).Id];
        Assert.Equal([1UL, 2UL], ids.Order());
        await peer.ExpectEndAsync();
        await server.ExpectNothingLeftAsync();
        Assert.Equal(24, Assert.Single(server.Logs.Ours).Id);
    }

    [Fact]
    public async Task HostStops_CallsInFlight_AreAnswered()
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(app => app.MapRpc(Golden.Name, gate.HandleAsync));
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(TextPeer.Hello(1, "a"));
        await gate.WaitForStartedAsync(1);

        Task stop = server.StopAsync();
        gate.Open();

        Assert.Equal("a", (await peer.ReceiveTextAsync()).Msg);
        await peer.ExpectEndAsync();
        await stop;
    }

    [Fact]
    public async Task TwoProtocols_OneName_FailTheStart()
    {
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => StartAsync(services: services => services.AddRpcProtocol<TextProtocol>()));

        Assert.Contains("'text'", error.Message, StringComparison.Ordinal);
    }

    private static Task<TestServer> StartAsync(
        Action<WebApplication>? app = null,
        Action<RpcServerOptions>? rpc = null,
        Action<IServiceCollection>? services = null,
        TransportKind transport = TransportKind.Sockets) => TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            App = app ?? (app => app.MapHello()),
            Rpc = options =>
            {
                options.Limits.MaxBodyLength = 1000;
                rpc?.Invoke(options);
            },
            Services = collection =>
            {
                collection.AddRpcProtocol<TextProtocol>();
                services?.Invoke(collection);
            },
        });

    private static void InterlockedMax(ref int most, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, seen) != seen)
        {
        }
    }
}
