using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Clients that show a certificate, none, or a wrong one; with our own client.</summary>
public sealed class MutualTlsTests
{
    private static readonly RpcMethod<HelloRequest, HelloReply> Hello = SourceServer.Hello;

    [Theory]
    [InlineData(TransportKind.Sockets, 1), InlineData(TransportKind.Sockets, 2)]
    [InlineData(TransportKind.Epoll, 2)]
    [InlineData(TransportKind.IoUring, 2)]
    public async Task Certificate_OfTheAuthority_IsTheUserOfAllCallsAndAskedForOnce(TransportKind transport, int version)
    {
        int created = 0;
        await using TestServer server = await StartAsync(transport: transport, configure: options =>
        {
            Func<X509Certificate2, System.Security.Claims.ClaimsPrincipal?> create = options.CreateUser;
            options.CreateUser = certificate =>
            {
                Interlocked.Increment(ref created);
                return create(certificate);
            };
        });
        await using RpcConnection client = await ConnectAsync(server, Certificates.Valid, version);

        HelloReply[] replies = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => client.CallAsync(Hello, new HelloRequest()).AsTask())).InTime();

        Assert.All(replies, reply => Assert.Equal("ann by Certificate", reply.Msg));
        Assert.Equal(1, created);
    }

    [Fact]
    public async Task Certificate_OverATransportsOwnConnections_IsShownToo()
    {
        await using TestServer server = await StartAsync();
        await using IoUringConnectionFactory factory = new();
        await using RpcConnection client = await RpcConnection.ConnectAsync(factory, server.EndPoint, Options(Certificates.Valid)).InTime();

        string text = new('x', 3_000_000);
        Assert.Equal("ann by Certificate", (await client.CallAsync(Hello, new HelloRequest { Msg = text }).InTime()).Msg);
        await client.DisposeAsync().InTime();
        await server.ExpectNothingLeftAsync();
    }

    [Theory]
    [InlineData("none", ClientCertificateMode.RequireCertificate)]
    [InlineData("stranger", ClientCertificateMode.RequireCertificate)]
    [InlineData("expired", ClientCertificateMode.RequireCertificate)]
    [InlineData("stranger", ClientCertificateMode.AllowCertificate)]
    [InlineData("expired", ClientCertificateMode.AllowCertificate)]
    public async Task Certificate_NotTrustedByTheEndPoint_HandshakeFailsAndNothingRuns(string which, ClientCertificateMode mode)
    {
        Visits visits = new();
        await using TestServer server = await StartAsync(mode, visits: visits);

        // With TLS 1.3 the client has shaken hands before it is refused.
        RpcException refused = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            await using RpcConnection client = await ConnectAsync(server, Get(which));
            await client.CallAsync(Hello, new HelloRequest()).InTime();
        });

        Assert.Contains(refused.Code, new[] { RpcErrorCode.Connection, RpcErrorCode.Network });
        await server.ExpectNothingLeftAsync();
        Assert.Equal(0, visits.Count);
    }

    [Fact]
    public async Task NoCertificate_EndPointAllowsThat_AuthenticatorRefuses()
    {
        Visits visits = new();
        await using TestServer server = await StartAsync(ClientCertificateMode.AllowCertificate, visits: visits);
        await using RpcConnection client = await ConnectAsync(server, null);

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => client.CallAsync(Hello, new HelloRequest()).InTime());

        Assert.Equal(new RpcStatus(RpcStatusCode.Unauthenticated, "A client certificate is needed."), refused.Status);
        Assert.Equal(0, visits.Count);
    }

    [Fact]
    public async Task NoTls_AuthenticatorRefuses()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { Services = services => services.AddRpcCertificateAuthentication() });
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => client.CallAsync(Hello, new HelloRequest()).InTime());

        Assert.Equal(RpcStatusCode.Unauthenticated, refused.StatusCode);
    }

    [Fact]
    public async Task NoCertificate_OptionAllowsThat_CallerIsNobodyToPolicies()
    {
        await using TestServer server = await StartAsync(ClientCertificateMode.AllowCertificate, configure: options => options.AllowsNoCertificate = true);
        await using RpcConnection nobody = await ConnectAsync(server, null);
        await using RpcConnection known = await ConnectAsync(server, Certificates.Valid);
        RpcMethod<HelloRequest, HelloReply> guarded = RpcMethod.Unary<HelloRequest, HelloReply>("guarded", "Hello");

        Assert.Equal(" by ", (await nobody.CallAsync(Hello, new HelloRequest()).InTime()).Msg);
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => nobody.CallAsync(guarded, new HelloRequest()).InTime());
        Assert.Equal(RpcStatusCode.Unauthenticated, refused.StatusCode);
        Assert.Equal("ann by Certificate", (await known.CallAsync(guarded, new HelloRequest()).InTime()).Msg);
    }

    [Fact]
    public async Task Certificate_ExpiredAndTheEndPointTakesAnything_AuthenticatorRefuses()
    {
        await using TestServer server = await StartAsync(acceptsAll: true);
        await using RpcConnection client = await ConnectAsync(server, Certificates.Expired);

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => client.CallAsync(Hello, new HelloRequest()).InTime());

        Assert.Equal(new RpcStatus(RpcStatusCode.Unauthenticated, "The client certificate is not valid at this time."), refused.Status);
    }

    [Fact]
    public async Task Certificate_ApplicationDoesNotKnowIt_IsRefused()
    {
        await using TestServer server = await StartAsync(configure: options => options.CreateUser = _ => null);
        await using RpcConnection client = await ConnectAsync(server, Certificates.Valid);

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => client.CallAsync(Hello, new HelloRequest()).InTime());

        Assert.Equal(new RpcStatus(RpcStatusCode.Unauthenticated, "The client certificate is not accepted."), refused.Status);
    }

    [Fact]
    public async Task Client_ServerHasAnotherName_DoesNotConnect()
    {
        await using TestServer server = await StartAsync();
        RpcConnectionOptions options = new() { Tls = new SslClientAuthenticationOptions { TargetHost = "example.org" } };

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => RpcConnection.ConnectAsync(server.EndPoint, options).InTime());

        Assert.Equal(RpcErrorCode.Connection, failed.Code);
        Assert.IsType<System.Security.Authentication.AuthenticationException>(failed.InnerException);
        await server.ExpectNothingLeftAsync();
    }

    [Fact]
    public async Task Client_ServerShakesNoHands_GivesUpInTime()
    {
        using System.Net.Sockets.TcpListener silent = new(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        RpcConnectionOptions options = Options(null);
        options.ConnectTimeout = TimeSpan.FromMilliseconds(100);

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => RpcConnection.ConnectAsync(silent.LocalEndpoint, options).InTime());

        Assert.Equal(RpcErrorCode.Timeout, failed.Code);
    }

    [Fact]
    public async Task Client_TlsWithoutAName_IsRefusedAtOnce() => await Assert.ThrowsAsync<InvalidOperationException>(() => RpcConnection.ConnectAsync(
        new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 1), new RpcConnectionOptions { Tls = new SslClientAuthenticationOptions() }).InTime());

    private static X509Certificate2? Get(string which) => which switch
    {
        "stranger" => Certificates.OfAStranger,
        "expired" => Certificates.Expired,
        _ => null,
    };

    private static RpcConnectionOptions Options(X509Certificate2? certificate, int version = 2) => new()
    {
        ProtocolVersion = version,
        Tls = new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            RemoteCertificateValidationCallback = (_, shown, _, _) => Tls.IsOurs(shown),
            ClientCertificates = certificate is null ? null : [certificate],
            LocalCertificateSelectionCallback = certificate is null ? null : (_, _, _, _, _) => certificate,
        },
    };

    private static Task<RpcConnection> ConnectAsync(TestServer server, X509Certificate2? certificate, int version = 2) =>
        RpcConnection.ConnectAsync(server.EndPoint, Options(certificate, version)).InTime();

    private static Task<TestServer> StartAsync(
        ClientCertificateMode mode = ClientCertificateMode.RequireCertificate,
        bool acceptsAll = false,
        Action<RpcCertificateOptions>? configure = null,
        Visits? visits = null,
        TransportKind transport = TransportKind.Sockets) => TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            Services = services => services.AddRpcCertificateAuthentication(configure).AddAuthorization(),
            Listen = options => options.UseHttps(Tls.Certificate, https =>
            {
                https.ClientCertificateMode = mode;
                https.ClientCertificateValidation = (certificate, _, _) => acceptsAll || Certificates.IsTrusted(certificate);
            }).UseRpc(),
            App = app =>
            {
                HelloReply Answer(HelloRequest request, RpcContext call)
                {
                    visits?.Add();
                    return new HelloReply { Msg = $"{call.User.Identity?.Name} by {call.User.Identity?.AuthenticationType}" };
                }

                app.MapRpc(Golden.Name, Answer);
                app.MapRpc("guarded/Hello", Answer).RequireAuthorization();
            },
        });

    private sealed class Visits
    {
        public int Count { get; private set; }

        public void Add() => Count++;
    }
}
