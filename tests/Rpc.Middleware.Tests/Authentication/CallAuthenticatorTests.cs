using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Calls with credentials of their own: who makes them, and how often that is asked.</summary>
public sealed class CallAuthenticatorTests
{
    [Fact]
    public async Task Call_WithAToken_HasItsUserAndOthersThatOfTheConnection()
    {
        Users users = new();
        await using TestServer server = await users.StartAsync(MapWho, services => services.AddSingleton<IRpcConnectionAuthenticator>(new Everybody("conn")));
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        Assert.Equal("conn", await AskAsync(peer, 1, null));
        Assert.Equal("ann", await AskAsync(peer, 2, "ann"));
        Assert.Equal("conn", await AskAsync(peer, 3, null));
        Assert.Equal("bob", await AskAsync(peer, 4, "bob"));
        Assert.Equal(2, users.Asked);
    }

    [Fact]
    public async Task Call_IsRefused_FailsAloneAndNothingOfItRuns()
    {
        int ran = 0;
        await using TestServer server = await new Users().StartAsync(app =>
        {
            app.UseRpc(rpc => rpc.Use((call, next) =>
            {
                ran++;
                return next(call);
            }));
            MapWho(app);
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync(Version2Frames.Hello(1, "x", Users.Bearer("bad")));
        Assert.Equal(new RpcStatus(RpcStatusCode.Unauthenticated, "The token is not known."), (await peer.ReceiveResponseAsync(1)).Status);
        Assert.Equal(0, ran);
        Assert.Equal("ann", await AskAsync(peer, 2, "ann"));
    }

    [Fact]
    public async Task Call_HasCredentialsTwice_IsRefusedWithoutAsking()
    {
        Users users = new();
        await using TestServer server = await users.StartAsync(MapWho);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        RpcMetadata twice = new() { { "authorization", "Bearer ann" }, { "authorization", "Bearer bob" } };

        await peer.SendAsync(Version2Frames.Hello(1, "x", new RpcCallHeader { Metadata = twice }));

        Assert.Equal(RpcStatusCode.Unauthenticated, (await peer.ReceiveResponseAsync(1)).Status.Code);
        Assert.Equal(0, users.Asked);
    }

    [Theory]
    [InlineData("Bearer abc", "abc")]
    [InlineData("bearer  abc ", "abc")]
    [InlineData("Bearer ", null)]
    [InlineData("Bearer", null)]
    [InlineData("Basic abc", null)]
    [InlineData("Bearerabc", null)]
    public async Task Credentials_OfAnyForm_BearerTokenIsTakenOut(string credentials, string? token)
    {
        RpcAuthenticationContext? seen = null;
        Users users = new()
        {
            Answer = (context, _) =>
            {
                seen = context;
                return new(RpcAuthentication.Accept(Users.Create("x")));
            },
        };
        await using TestServer server = await users.StartAsync(MapWho);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync(Version2Frames.Hello(1, "x", new RpcCallHeader { Metadata = new RpcMetadata { { "authorization", credentials } } }));

        await peer.ReceiveResponseAsync(1);
        Assert.Equal((credentials, token, Golden.Name), (seen!.Credentials, seen.BearerToken, seen.Method));
    }

    [Fact]
    public async Task Key_OfItsOwn_IsWhereCredentialsAreLookedFor()
    {
        Users users = new() { Answer = (context, _) => new(RpcAuthentication.Accept(Users.Create(context.Credentials!))) };
        await using TestServer server = await users.StartAsync(MapWho, rpc: options => options.Authentication.CredentialsKey = "X-Api-Key");
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        RpcMetadata metadata = new() { { "x-api-key", "kim" }, { "authorization", "Bearer bad" } };

        await peer.SendAsync(Version2Frames.Hello(1, "x", new RpcCallHeader { Metadata = metadata }));

        Assert.Equal("kim", (await peer.ReceiveResponseAsync(1)).Text);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public async Task Authenticator_Throws_IsARefusalAndLogged(int cached)
    {
        Users users = new() { Answer = (_, _) => throw new InvalidOperationException("secret detail") };
        await using TestServer server = await users.StartAsync(MapWho, rpc: options => options.Authentication.CachedCredentialsPerConnection = cached);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync(Version2Frames.Hello(1, "x", Users.Bearer("ann")));

        Assert.Equal(new RpcStatus(RpcStatusCode.Unauthenticated, "The call could not be verified."), (await peer.ReceiveResponseAsync(1)).Status);
        Assert.Equal("secret detail", Assert.Single(server.Logs.Ours, line => line.Id == 70).Exception?.Message);
    }

    [Theory]
    [InlineData(0, true), InlineData(0, false)]
    [InlineData(4, true), InlineData(4, false)]
    public async Task Authenticator_TakesTooLong_IsARefusalAndTheConnectionGoesOn(int cached, bool heedsItsToken)
    {
        ManualTime time = new();
        TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Users users = new()
        {
            Answer = async (_, token) =>
            {
                asked.TrySetResult();
                await Task.Delay(Timeout.Infinite, heedsItsToken ? token : TestContext.Current.CancellationToken);
                return RpcAuthentication.Refuse();
            },
        };
        await using TestServer server = await users.StartAsync(MapWho, services => services.AddSingleton<TimeProvider>(time), options =>
        {
            options.Connections.AuthenticationTimeout = TimeSpan.FromSeconds(5);
            options.Authentication.CachedCredentialsPerConnection = cached;
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "x", Users.Bearer("ann")));
        await asked.Task.InTime();

        time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(new RpcStatus(RpcStatusCode.Unauthenticated, "The call could not be verified in time."), (await peer.ReceiveResponseAsync(1)).Status);
        await server.Logs.WaitForAsync(71);
        Assert.Equal("", await AskAsync(peer, 2, null));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public async Task Caller_GivesUpDuringTheVerification_CallEndsAtOnce(int cached)
    {
        TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<RpcAuthentication> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Users users = new()
        {
            Answer = (_, _) =>
            {
                asked.TrySetResult();
                return new(answer.Task);
            },
        };
        await using TestServer server = await users.StartAsync(MapWho, rpc: options => options.Authentication.CachedCredentialsPerConnection = cached);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "x", Users.Bearer("ann")));
        await asked.Task.InTime();

        await peer.SendAsync(Version2Frames.Cancel(1));

        Assert.Equal(RpcStatusCode.Cancelled, (await peer.ReceiveResponseAsync(1)).Status.Code);
        answer.SetResult(RpcAuthentication.Accept(Users.Create("ann")));

        // What was asked for the call that is over serves the next one, where answers are remembered.
        Assert.Equal("ann", await AskAsync(peer, 2, "ann"));
        Assert.Equal(cached == 0 ? 2 : 1, users.Asked);
    }

    [Fact]
    public async Task Cache_ManyCallsWithOneToken_AskOnceForEachConnection()
    {
        TaskCompletionSource<RpcAuthentication> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Users users = new() { Answer = (_, _) => new(answer.Task) };
        await using TestServer server = await users.StartAsync(MapWho, rpc: options => options.Authentication.CachedCredentialsPerConnection = 4);
        await using RpcConnection first = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        await using RpcConnection second = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        RpcMethod<HelloRequest, HelloReply> hello = SourceServer.Hello;
        RpcCallOptions options = new() { Metadata = new RpcMetadata { { "authorization", "Bearer ann" } } };

        Task<HelloReply>[] calls = [.. Enumerable.Range(0, 200).Select(i => (i % 2 == 0 ? first : second).CallAsync(hello, new HelloRequest(), options).AsTask())];
        answer.SetResult(RpcAuthentication.Accept(Users.Create("ann")));

        Assert.All(await Task.WhenAll(calls).InTime(), reply => Assert.Equal("ann", reply.Msg));
        Assert.Equal(2, users.Asked);
    }

    [Fact]
    public async Task Cache_IsFull_OldestGivesWay()
    {
        Users users = new();
        await using TestServer server = await users.StartAsync(MapWho, rpc: options => options.Authentication.CachedCredentialsPerConnection = 2);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        uint id = 1;
        foreach ((string token, int asked) in new[] { ("a", 1), ("b", 2), ("a", 2), ("c", 3), ("b", 3), ("a", 4), ("c", 4), ("b", 5) })
        {
            Assert.Equal(token, await AskAsync(peer, id++, token));
            Assert.Equal((token, asked), (token, users.Asked));
        }
    }

    [Fact]
    public async Task Cache_Refusals_AreNotRemembered()
    {
        Users users = new();
        await using TestServer server = await users.StartAsync(MapWho, rpc: options => options.Authentication.CachedCredentialsPerConnection = 2);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        for (uint id = 1; id <= 3; id++)
        {
            await peer.SendAsync(Version2Frames.Hello(id, "x", Users.Bearer("bad")));
            Assert.Equal(RpcStatusCode.Unauthenticated, (await peer.ReceiveResponseAsync(id)).Status.Code);
        }

        Assert.Equal(3, users.Asked);
    }

    [Theory]
    [InlineData(59, null, 1)]
    [InlineData(61, null, 2)]
    [InlineData(10, 9, 2)]
    [InlineData(8, 9, 1)]
    public async Task Cache_LifetimeOfTheOptionOrTheTokenIsOver_AsksAgain(int passed, int? validFor, int asked)
    {
        ManualTime time = new();
        Users users = new()
        {
            Answer = (_, _) => new(validFor is null
                ? RpcAuthentication.Accept(Users.Create("ann"))
                : RpcAuthentication.Accept(Users.Create("ann"), time.GetUtcNow() + TimeSpan.FromSeconds(validFor.Value))),
        };
        await using TestServer server = await users.StartAsync(
            MapWho, services => services.AddSingleton<TimeProvider>(time), options => options.Authentication.CachedCredentialsPerConnection = 2);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        Assert.Equal("ann", await AskAsync(peer, 1, "ann"));

        time.Advance(TimeSpan.FromSeconds(passed));

        Assert.Equal("ann", await AskAsync(peer, 2, "ann"));
        Assert.Equal(asked, users.Asked);
    }

    [Theory]
    [InlineData("", "", true)]
    [InlineData("abc", "abc", true)]
    [InlineData("abc", "abd", false)]
    [InlineData("abc", "ab", false)]
    [InlineData("ab", "abc", false)]
    [InlineData("", "abc", false)]
    [InlineData("abc", "ABC", false)]
    [InlineData("\u00e9", "e\u0301", false)] // the same letter in two spellings
    public void Tokens_Compared_AreEqualOnlyIfAllOfThemIs(string presented, string expected, bool areEqual)
    {
        Assert.Equal(areEqual, RpcTokens.AreEqual(presented, expected));
        Assert.Equal(areEqual, RpcTokens.AreEqual(System.Text.Encoding.UTF8.GetBytes(presented), System.Text.Encoding.UTF8.GetBytes(expected)));
    }

    [Fact]
    public void Tokens_DifferInAnyOneBit_AreNotEqual()
    {
        byte[] expected = [.. Enumerable.Range(0, 100).Select(i => (byte)i)];
        for (int bit = 0; bit < expected.Length * 8; bit++)
        {
            byte[] presented = [.. expected];
            presented[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(RpcTokens.AreEqual(presented, expected), $"bit {bit}");
        }
    }

    private static void MapWho(WebApplication app) =>
        app.MapRpc(Golden.Name, (HelloRequest _, RpcContext call) => new HelloReply { Msg = call.User.Identity?.Name ?? "" });

    private static async Task<string> AskAsync(Version2Peer peer, uint id, string? token)
    {
        await peer.SendAsync(Version2Frames.Hello(id, "x", Users.Bearer(token)));
        Version2Reply reply = await peer.ReceiveResponseAsync(id);
        Assert.Equal(RpcStatusCode.Ok, reply.Status.Code);
        return reply.Text;
    }

    private sealed class Everybody(string name) : IRpcConnectionAuthenticator
    {
        public ValueTask<RpcAuthentication> AuthenticateAsync(RpcAuthenticationContext context, CancellationToken cancellationToken) =>
            new(RpcAuthentication.Accept(Users.Create(name)));
    }
}
