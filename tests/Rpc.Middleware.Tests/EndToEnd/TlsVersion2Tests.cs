using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Version 2 over TLS, between our client and our server, on every transport of the server.</summary>
public sealed class TlsVersion2Tests
{
    private static readonly RpcMethod<HelloRequest, HelloReply> Hello = SourceServer.Hello;
    private static readonly RpcMethod<BytesValue, BytesValue> Echo = RpcMethod.Unary<BytesValue, BytesValue>("test", "Echo");

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Calls_ManyAtOnceWithMetadata_AreAnswered(TransportKind transport)
    {
        await using TestServer server = await StartAsync(transport);
        await using RpcConnection client = await ConnectAsync(server);

        HelloReply[] replies = await Task.WhenAll(Enumerable.Range(0, 500).Select(i =>
            client.CallAsync(Hello, new HelloRequest { Msg = $"{i}" }, new RpcCallOptions { Metadata = new RpcMetadata { { "number", $"{i}" } } }).AsTask())).InTime();

        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"Hello {i} {i}"), replies.Select(reply => reply.Msg));
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Messages_LongerThanFramesAndTlsRecords_ComeWholeBothWays(TransportKind transport)
    {
        await using TestServer server = await StartAsync(transport);
        await using RpcConnection client = await ConnectAsync(server);
        BytesValue[] requests = [Message(0), Message(16_384), Message(65_536), Message(70_000), Message(1_000_000), Message(4_000_000)];

        BytesValue[] replies = await Task.WhenAll(requests.Select(request => client.CallAsync(Echo, request).AsTask())).InTime();

        Assert.Equal(requests, replies);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Call_GivenUp_CancelsTheHandlersTokenAndTheConnectionGoesOn(TransportKind transport)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(transport, gate);
        await using RpcConnection client = await ConnectAsync(server);
        using CancellationTokenSource cancellation = new();
        Task<HelloReply> call = client.CallAsync(Hello, new HelloRequest { Msg = "held" }, new() { CancellationToken = cancellation.Token }).AsTask();
        await gate.WaitForStartedAsync(1);

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.InTime());
        _ = await server.Logs.WaitForAsync(33); // the handler has ended with its token
        Assert.Equal(1, gate.Cancelled);
        Assert.Equal("free", (await client.CallAsync(Hello, new HelloRequest { Msg = "free" }).InTime()).Msg);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Host_StopsWithACallUnderWay_CallIsAnsweredAndTheConnectionEnds(TransportKind transport)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(transport, gate);
        await using RpcConnection client = await ConnectAsync(server);
        Task<HelloReply> call = client.CallAsync(Hello, new HelloRequest { Msg = "held" }).AsTask();
        await gate.WaitForStartedAsync(1);

        Task stopping = server.StopAsync();
        await client.GoingAway.InTime();
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => client.CallAsync(Hello, new HelloRequest { Msg = "free" }).InTime());
        gate.Open();

        Assert.True(refused.IsNotProcessed);
        Assert.Equal("held", (await call.InTime()).Msg);
        await client.Closed.InTime();
        await stopping;
        await server.ExpectNothingLeftAsync();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Client_IsResetWithinMessagesOfBothWays_HandlersEndAndNothingIsLeft(TransportKind transport)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(transport, gate);
        TlsConnectionFactory factory = new();
        await using RpcConnection client = await RpcConnection.ConnectAsync(factory, server.EndPoint).InTime();
        Task held = client.CallAsync(Hello, new HelloRequest { Msg = "held" }).AsTask();
        Task[] echoes = [.. Enumerable.Range(0, 4).Select(_ => client.CallAsync(Echo, Message(4_000_000)).AsTask())];
        await gate.WaitForStartedAsync(1);

        factory.Socket!.Close(0);

        foreach (Task call in echoes.Append(held))
        {
            try
            {
                await call.InTime();
                Assert.NotSame(held, call); // the others may have been faster
            }
            catch (RpcException exception)
            {
                Assert.Contains(exception.Code, new[] { RpcErrorCode.Network, RpcErrorCode.Connection });
            }
        }

        await server.ExpectNothingLeftAsync();
        Assert.Equal(1, gate.Cancelled);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Client_Closes_ConnectionEndsInGoodOrder(TransportKind transport)
    {
        await using TestServer server = await StartAsync(transport);
        RpcConnection client = await ConnectAsync(server);
        await client.CallAsync(Hello, new HelloRequest { Msg = "last" }).InTime();

        await client.DisposeAsync().InTime();

        await server.ExpectNothingLeftAsync();
        Assert.DoesNotContain(server.Logs.Ours, line => line.Exception is not null || line.Level >= Microsoft.Extensions.Logging.LogLevel.Warning);
    }

    private static BytesValue Message(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return new BytesValue { Value = ByteString.CopyFrom(bytes) };
    }

    private static Task<RpcConnection> ConnectAsync(TestServer server) => RpcConnection.ConnectAsync(new TlsConnectionFactory(), server.EndPoint).InTime();

    private static Task<TestServer> StartAsync(TransportKind transport, Gate? gate = null) => TestServer.StartAsync(new TestServerSetup
    {
        Transport = transport,
        Listen = options => options.UseHttps(Tls.Certificate).UseRpc(),
        App = app =>
        {
            app.MapRpc("test/Echo", (BytesValue value) => value);
            if (gate is not null)
            {
                app.MapRpc(Golden.Name, gate.HandleAsync);
            }
            else
            {
                app.MapRpc(Golden.Name, (HelloRequest request, RpcContext context) =>
                    new HelloReply { Msg = $"Hello {request.Msg} {context.RequestMetadata.GetValue("number")}" });
            }
        },
    });
}
