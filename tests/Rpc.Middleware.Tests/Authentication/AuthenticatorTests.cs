using System.Collections.Concurrent;
using System.Security.Claims;
using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The verify step: once for each connection, before any of its calls.</summary>
public sealed class AuthenticatorTests
{
    public enum Wire
    {
        Version1,
        Version2,
        Text,
    }

    public static TheoryData<Wire> Wires => new(Enum.GetValues<Wire>());

    public static IEnumerable<TheoryDataRow<Wire, TransportKind>> WiresAndTransports =>
        from wire in Enum.GetValues<Wire>() from transport in Enum.GetValues<TransportKind>() select new TheoryDataRow<Wire, TransportKind>(wire, transport);

    [Theory, MemberData(nameof(WiresAndTransports))]
    public async Task Connection_IsAccepted_AskedOnceAndCallsKnowTheUser(Wire wire, TransportKind transport)
    {
        Checker checker = new((context, _) => new(Accept("ann")));
        await using TestServer server = await StartAsync(checker, transport: transport);
        await using RawPeer peer = await server.ConnectAsync();

        for (uint i = 1; i <= 3; i++)
        {
            await peer.SendAsync(Request(wire, i));
            Assert.Equal((i, "ann"), await AnswerAsync(wire, peer));
        }

        RpcAuthenticationContext asked = Assert.Single(checker.Asked);
        Assert.Equal(Golden.Name, asked.Method);
        Assert.Equal(wire == Wire.Text ? "text" : "rpc", asked.Protocol);
        Assert.Equal(wire == Wire.Version1 ? null : "secret", asked.Metadata.GetValue("key"));
        Assert.Null(asked.ClientCertificate);
        Assert.Equal("ann", asked.Features.Get<IConnectionUserFeature>()?.User?.Identity?.Name);
    }

    [Theory, MemberData(nameof(WiresAndTransports))]
    public async Task Calls_ComeDuringTheVerification_WaitInOrder(Wire wire, TransportKind transport)
    {
        const int Count = 50;
        TaskCompletionSource<RpcAuthentication> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Checker checker = new((_, _) => new(answer.Task));
        ConcurrentQueue<uint> ran = [];
        await using TestServer server = await StartAsync(checker, ran, transport);
        await using RawPeer peer = await server.ConnectAsync();

        byte[][] requests = [.. Enumerable.Range(1, Count).Select(i => Request(wire, (uint)i))];
        await peer.SendAsync(requests[0]);
        await checker.WaitAsync();
        await peer.SendAsync(requests[1..].SelectMany(request => request).ToArray());
        Assert.Empty(ran);
        answer.SetResult(Accept("bob"));

        for (uint i = 1; i <= Count; i++)
        {
            Assert.Equal((i, "bob"), await AnswerAsync(wire, peer));
        }

        Assert.Equal(Enumerable.Range(1, Count).Select(i => (uint)i), ran);
        Assert.Single(checker.Asked);
    }

    [Theory, MemberData(nameof(WiresAndTransports))]
    public async Task Connection_IsRefused_FirstCallIsToldAndNothingRuns(Wire wire, TransportKind transport)
    {
        Checker checker = new((_, _) => new(RpcAuthentication.Refuse("Go away.")));
        ConcurrentQueue<uint> ran = [];
        await using TestServer server = await StartAsync(checker, ran, transport);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync((byte[])[.. Request(wire, 1), .. Request(wire, 2)]);

        await ExpectRefusalAsync(wire, peer, RpcStatusCode.Unauthenticated, "Go away.");
        await server.ExpectNothingLeftAsync();
        Assert.Empty(ran);
        Assert.Equal(40, Assert.Single(server.Logs.Ours).Id);
    }

    [Theory, MemberData(nameof(Wires))]
    public async Task Authenticator_Throws_IsARefusalAndLogged(Wire wire)
    {
        Checker checker = new((_, _) => throw new InvalidOperationException("secret detail"));
        await using TestServer server = await StartAsync(checker);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Request(wire, 1));

        await ExpectRefusalAsync(wire, peer, RpcStatusCode.Unauthenticated, "The connection could not be verified.");
        await server.ExpectNothingLeftAsync();
        LogLine line = server.Logs.Ours[0];
        Assert.Equal((41, "secret detail"), (line.Id, line.Exception?.Message));
    }

    [Theory]
    [InlineData(Wire.Version1, true), InlineData(Wire.Version1, false)]
    [InlineData(Wire.Version2, true), InlineData(Wire.Version2, false)]
    [InlineData(Wire.Text, true), InlineData(Wire.Text, false)]
    public async Task Authenticator_TakesTooLong_IsARefusal(Wire wire, bool heedsItsToken)
    {
        ManualTime time = new();
        Checker checker = new(async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, heedsItsToken ? token : TestContext.Current.CancellationToken);
            return Accept("late");
        });
        await using TestServer server = await StartAsync(checker, time: time);
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(Request(wire, 1));
        await checker.WaitAsync();
        await time.WaitForTimersAsync(2); // this one, and that of the connections

        time.Advance(TimeSpan.FromSeconds(5));

        await ExpectRefusalAsync(wire, peer, RpcStatusCode.Unauthenticated, "The connection could not be verified in time.");
        await server.Logs.WaitForAsync(42);
    }

    [Theory, MemberData(nameof(Wires))]
    public async Task Host_StopsDuringTheVerification_FirstCallIsToldAtOnce(Wire wire)
    {
        Checker checker = new(async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return Accept("never");
        });
        ConcurrentQueue<uint> ran = [];
        await using TestServer server = await StartAsync(checker, ran);
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(Request(wire, 1));
        await checker.WaitAsync();

        Task stop = server.StopAsync();

        await ExpectRefusalAsync(wire, peer, RpcStatusCode.Unavailable, "The server stops.");
        await stop;
        Assert.Empty(ran);
    }

    [Theory, MemberData(nameof(Wires))]
    public async Task Peer_EndsItsSendingDuringTheVerification_IsAnswered(Wire wire)
    {
        TaskCompletionSource<RpcAuthentication> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Checker checker = new((_, _) => new(answer.Task));
        await using TestServer server = await StartAsync(checker);
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(Request(wire, 1));
        peer.EndSending();
        await checker.WaitAsync();

        answer.SetResult(Accept("cat"));

        Assert.Equal((1u, "cat"), await AnswerAsync(wire, peer));
        await server.ExpectNothingLeftAsync();
    }

    [Theory, MemberData(nameof(Wires))]
    public async Task Peer_ResetsDuringTheVerification_LeavesNothing(Wire wire)
    {
        TaskCompletionSource<RpcAuthentication> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Checker checker = new((_, _) => new(answer.Task));
        await using TestServer server = await StartAsync(checker);
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync((byte[])[.. Request(wire, 1), .. Request(wire, 2)]);
        await checker.WaitAsync();

        peer.Reset();
        answer.SetResult(Accept("dan"));

        await server.ExpectNothingLeftAsync();
    }

    [Fact]
    public async Task Version2_PingBeforeTheFirstCall_IsAnsweredWithoutAVerification()
    {
        Checker checker = new((_, _) => new(RpcAuthentication.Refuse()));
        await using TestServer server = await StartAsync(checker);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync(Version2Frames.Ping(5));

        Assert.Equal(RpcFrameType.Pong, (await peer.ReceiveAsync()).Type);
        Assert.Empty(checker.Asked);
    }

    [Fact]
    public async Task OwnClient_IsRefused_ThrowsUnauthenticated()
    {
        Checker checker = new((context, _) => new(context.Metadata.GetValue("key") == "right" ? Accept("eve") : RpcAuthentication.Refuse()));
        await using TestServer server = await StartAsync(checker);
        RpcMethod<HelloRequest, HelloReply> hello = RpcMethod.Unary<HelloRequest, HelloReply>("helloworld", "Hello");

        await using RpcConnection refused = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => refused.CallAsync(hello, new HelloRequest()).AsTask().InTime());
        await using RpcConnection accepted = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        RpcCallOptions options = new() { Metadata = new RpcMetadata { { "key", "right" } } };

        Assert.Equal(RpcStatusCode.Unauthenticated, error.StatusCode);
        Assert.Equal("eve", (await accepted.CallAsync(hello, new HelloRequest(), options).AsTask().InTime()).Msg);
    }

    [Fact]
    public async Task Tls_ClientShowsACertificate_AuthenticatorSeesIt()
    {
        Checker checker = new((context, _) => new(Accept(context.ClientCertificate?.Subject ?? "nobody")));
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddSingleton<IRpcConnectionAuthenticator>(checker),
            Listen = options => options.UseHttps(Tls.Certificate, https =>
            {
                https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                https.AllowAnyClientCertificate();
            }).UseRpc(),
            App = app => app.MapRpc(Golden.Name, (HelloRequest request, RpcContext call) => new HelloReply { Msg = call.User.Identity!.Name }),
        });
        await using RawPeer peer = await server.ConnectAsync(tls: true);

        await peer.SendAsync(Golden.Call(1));

        Assert.Equal("nobody", (await peer.ReceiveAsync()).Msg);
        Assert.NotNull(Assert.Single(checker.Asked).Features.Get<ITlsHandshakeFeature>());
    }

    [Fact]
    public async Task NoAuthenticator_UserIsNotAuthenticated()
    {
        await using TestServer server = await StartAsync(null);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Call(1));

        Assert.Equal("", (await peer.ReceiveAsync()).Msg);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task Options_TimeoutOutOfRange_FailTheStart(int seconds)
    {
        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Connections.AuthenticationTimeout = TimeSpan.FromSeconds(seconds),
        }));

        Assert.Contains("AuthenticationTimeout", error.Message, StringComparison.Ordinal);
    }

    private static RpcAuthentication Accept(string name) =>
        RpcAuthentication.Accept(new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, name)], "test")));

    private static Task<TestServer> StartAsync(
        Checker? checker, ConcurrentQueue<uint>? ran = null, TransportKind transport = TransportKind.Sockets, ManualTime? time = null) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            Rpc = options => options.Connections.AuthenticationTimeout = TimeSpan.FromSeconds(5),
            Services = services =>
            {
                services.AddRpcProtocol<TextProtocol>();
                if (checker is not null)
                {
                    services.AddSingleton<IRpcConnectionAuthenticator>(checker);
                }

                if (time is not null)
                {
                    services.AddSingleton<TimeProvider>(time);
                }
            },
            App = app => app.MapRpc(Golden.Name, (HelloRequest request, RpcContext call) =>
            {
                ran?.Enqueue(call.SequenceId);
                return new HelloReply { Msg = call.User.Identity?.Name ?? "" };
            }).WithScheduling(RpcScheduling.Inline),
        });

    private static byte[] Request(Wire wire, uint id) => wire switch
    {
        Wire.Version1 => Golden.Call(id),
        Wire.Version2 when id == 1 => Version2Frames.Hello(id, "x", new RpcCallHeader { Metadata = new RpcMetadata { { "key", "secret" } } }, index: 1),
        Wire.Version2 => Version2Frames.HelloByIndex(id, 1),
        _ => TextPeer.Hello(id, "x", " key=secret"),
    };

    private static async Task<(uint Id, string Msg)> AnswerAsync(Wire wire, RawPeer peer)
    {
        switch (wire)
        {
            case Wire.Version1:
                RawReply reply = await peer.ReceiveAsync();
                return (reply.SequenceId, reply.Msg);
            case Wire.Version2:
                Version2Reply frame = await ReceiveVersion2Async(peer);
                Assert.Equal(RpcFrameType.Response, frame.Type);
                return (frame.Id, frame.Text);
            default:
                TextReply text = await peer.ReceiveTextAsync();
                return ((uint)text.Id, text.Msg);
        }
    }

    private static async Task<Version2Reply> ReceiveVersion2Async(RawPeer peer)
    {
        Version2Reply? frame = await peer.TryReceiveVersion2Async();
        while (frame is { Type: RpcFrameType.Settings })
        {
            frame = await peer.TryReceiveVersion2Async();
        }

        Assert.NotNull(frame);
        return frame;
    }

    private static async Task ExpectRefusalAsync(Wire wire, RawPeer peer, RpcStatusCode code, string message)
    {
        switch (wire)
        {
            case Wire.Version1:
                RawReply reply = await peer.ReceiveAsync();
                Assert.Equal((1u, message), (reply.SequenceId, reply.Data.ErrorMessage));
                break;
            case Wire.Version2:
                Version2Reply refused = await ReceiveVersion2Async(peer);
                Assert.Equal((RpcFrameType.Response, 1u, new RpcStatus(code, message)), (refused.Type, refused.Id, refused.Status));
                Assert.True((refused.Flags & RpcCallBits.NotProcessed) != 0);
                Version2Reply goodbye = await ReceiveVersion2Async(peer);
                Assert.Equal((RpcFrameType.GoAway, RpcGoAwayCode.Shutdown), (goodbye.Type, goodbye.Code));
                break;
            default:
                TextReply text = await peer.ReceiveTextAsync();
                Assert.Equal(("ERR", "1", $"{code}", message), (text.Words[0], text.Words[1], text.Words[2], text.Error));
                break;
        }

        // The server waits a moment for what the peer may still send, so that no reset overtakes the refusal.
        peer.EndSending();
        await peer.ExpectEndAsync();
    }

    private sealed class Checker(Func<RpcAuthenticationContext, CancellationToken, ValueTask<RpcAuthentication>> check) : IRpcConnectionAuthenticator
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ConcurrentQueue<RpcAuthenticationContext> Asked { get; } = [];

        public Task WaitAsync() => _asked.Task.InTime();

        public ValueTask<RpcAuthentication> AuthenticateAsync(RpcAuthenticationContext context, CancellationToken cancellationToken)
        {
            Asked.Enqueue(context);
            _asked.TrySetResult();
            return check(context, cancellationToken);
        }
    }
}
