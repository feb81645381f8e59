using System.Text;
using Google.Protobuf.WellKnownTypes;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Whatever fails, and wherever: the caller learns nothing of the exception unless the option says so, and the log has all of it.</summary>
public sealed class ErrorDetailTests
{
    private const string Secret = "password=hunter2";

    // Where it is thrown, and whether the option shows it.
    private static readonly Dictionary<string, (bool IsShown, Action<WebApplication> Map, Action<IServiceCollection>? Services)> Places = new()
    {
        ["handler"] = (true, app => app.MapRpc(Golden.Name, HelloReply (HelloRequest _) => throw new SecretException()), null),
        ["handler, later"] = (true, app => app.MapRpc(Golden.Name, async Task<HelloReply> (HelloRequest _) =>
        {
            await Task.Yield();
            throw new SecretException();
        }), null),
        ["filter"] = (true, app => app.MapHello().AddRpcFilter((_, _) => throw new SecretException()), null),
        ["filter behind the handler"] = (true, app => app.MapHello().AddRpcFilter(async (call, next) =>
        {
            await next(call);
            throw new SecretException();
        }), null),
        ["middleware"] = (true, app =>
        {
            app.MapHello();
            app.UseRpc(rpc => rpc.Use((_, _) => throw new SecretException()));
        }, null),
        ["service of the handler"] = (
            true, app => app.MapRpc(Golden.Name, (HelloRequest _, Broken _) => new HelloReply()), services => services.AddScoped<Broken>()),
        ["service that is not there"] = (true, app => app.MapRpc(Golden.Name, (HelloRequest _, RpcContext call) =>
        {
            call.RequestServices.GetRequiredService<SecretException>();
            return new HelloReply();
        }), null),
        ["end of the scope"] = (
            true, app => app.MapRpc(Golden.Name, (HelloRequest _, BrokenEnd _) => new HelloReply()), services => services.AddScoped<BrokenEnd>()),
        ["policy"] = (
            true, app => app.MapHello().RequireAuthorization(policy => policy.RequireAssertion(bool (_) => throw new SecretException())), services => services.AddAuthorization()),
        ["policy that fails with a reason"] = (
            false, app => app.MapHello().RequireAuthorization(policy => policy.RequireAssertion(context =>
            {
                context.Fail(new AuthorizationFailureReason(null!, Secret));
                return false;
            })), services => services.AddAuthorization()),
        ["authenticator of connections"] = (
            false, app => app.MapHello(), services => services.AddRpcConnectionAuthenticator<BrokenAuthenticator>()),
        ["authenticator of calls"] = (false, app => app.MapHello(), services => services.AddRpcCallAuthenticator<BrokenAuthenticator>()),
        ["message of the reply"] = (false, app => app.MapRpc(Golden.Name, (HelloRequest _) => new BrokenReply()), null),
    };

    public static TheoryData<string, int, bool> Cases
    {
        get
        {
            TheoryData<string, int, bool> cases = [];
            foreach (string place in Places.Keys)
            {
                foreach (int version in place == "authenticator of calls" ? new[] { 2 } : [1, 2])
                {
                    cases.Add(place, version, false);
                    cases.Add(place, version, true);
                }
            }

            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public async Task Failure_Anywhere_CallerLearnsItOnlyWithTheOption(string place, int version, bool isDetailed)
    {
        (bool isShown, Action<WebApplication> map, Action<IServiceCollection>? services) = Places[place];
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.EnableDetailedErrors = isDetailed,
            Services = services,
            App = map,
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(version == 1 ? Golden.Request : Version2Frames.Hello(1, "x", Users.Bearer("ann")));
        peer.EndSending();

        string received = Encoding.UTF8.GetString(await peer.ReceiveToEndAsync());
        Assert.NotEmpty(received);
        bool knowsSecret = received.Contains(Secret, StringComparison.Ordinal) || received.Contains(nameof(SecretException), StringComparison.Ordinal);
        Assert.Equal(isDetailed && isShown, knowsSecret);
        Assert.DoesNotContain("   at ", received, StringComparison.Ordinal); // a stack, never
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Failure_OfAStream_CallerLearnsItOnlyWithTheOption(bool isDetailed)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.EnableDetailedErrors = isDetailed,
            App = app => app.MapRpcServerStream<Int32Value, Int32Value>("n/M", async (_, replies, _) =>
            {
                await replies.WriteAsync(new Int32Value { Value = 5 });
                throw new SecretException();
            }),
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Version2Frames.Request(1, new RpcCallHeader { Flags = RpcCallBits.End }, [], "n/M"));
        peer.EndSending();

        Assert.Equal(isDetailed, Encoding.UTF8.GetString(await peer.ReceiveToEndAsync()).Contains(Secret, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Body_IsNoMessage_CallerLearnsNothingOfTheParser(int version)
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        await using RawPeer peer = await server.ConnectAsync();
        byte[] body = [0x0a, 0x7f, 1];

        await peer.SendAsync(version == 1
            ? Golden.Frame(1, RpcMethodName.Parse(Golden.Name).ProtocolData.Span, body)
            : Version2Frames.Request(1, new RpcCallHeader { Flags = RpcCallBits.End }, body));
        peer.EndSending();

        string received = Encoding.UTF8.GetString(await peer.ReceiveToEndAsync());
        Assert.DoesNotContain("Exception", received, StringComparison.Ordinal);
        Assert.DoesNotContain("Google", received, StringComparison.Ordinal);
    }

    private sealed class SecretException() : InvalidOperationException(Secret);

    private sealed class Broken
    {
        public Broken() => throw new SecretException();
    }

    private sealed class BrokenEnd : IDisposable
    {
        public void Dispose() => throw new SecretException();
    }

    private sealed class BrokenAuthenticator : IRpcConnectionAuthenticator, IRpcCallAuthenticator
    {
        public ValueTask<RpcAuthentication> AuthenticateAsync(RpcAuthenticationContext context, CancellationToken cancellationToken) => throw new SecretException();
    }

    // A message whose own code fails.
    private sealed class BrokenReply : Google.Protobuf.IMessage<BrokenReply>
    {
        public Google.Protobuf.Reflection.MessageDescriptor Descriptor => HelloReply.Descriptor;

        public int CalculateSize() => throw new SecretException();

        public void MergeFrom(BrokenReply message)
        {
        }

        public void MergeFrom(Google.Protobuf.CodedInputStream input)
        {
        }

        public void WriteTo(Google.Protobuf.CodedOutputStream output) => throw new SecretException();

        public bool Equals(BrokenReply? other) => ReferenceEquals(this, other);

        public override bool Equals(object? obj) => Equals(obj as BrokenReply);

        public override int GetHashCode() => 0;

        public BrokenReply Clone() => this;
    }
}
