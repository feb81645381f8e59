using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The calls that must not notice a fault: they come over the connection that has met it, and over others, in both versions.</summary>
internal static class OtherCalls
{
    private const string Name = "others/Hello";

    public static RpcMethod<HelloRequest, HelloReply> Hello { get; } = RpcMethod.Unary<HelloRequest, HelloReply>("helloworld", "Hello");

    public static void Map(WebApplication app) => app.MapRpc(Name, (HelloRequest request) => new HelloReply { Msg = $"Hello {request.Msg}" });

    public static Task<RpcConnection> ConnectAsync(TestServer server, int version = 2) =>
        RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = version }).InTime();

    /// <summary>Expects that calls are answered as ever.</summary>
    /// <param name="server">The server.</param>
    /// <param name="same">The connection of the fault, if it is to live on.</param>
    public static async Task ExpectServedAsync(TestServer server, RpcConnection? same)
    {
        await using RpcConnection first = await ConnectAsync(server, version: 1);
        await using RpcConnection second = await ConnectAsync(server);
        foreach (RpcConnection connection in same is null ? [first, second] : new[] { same, first, second })
        {
            Assert.Equal("Hello you", (await connection.CallAsync<HelloRequest, HelloReply>("others", "Hello", new HelloRequest { Msg = "you" }).InTime()).Msg);
        }
    }
}
