using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Testing.Tests;

/// <summary>Generated clients of a program under test, and its clock.</summary>
public sealed class RpcClientTests
{
    [Fact]
    public async Task CreateRpcClient_TypedClient_CallsTheProgram()
    {
        await using var hello = new RpcWebApplicationFactory<Program>();

        HelloClient client = hello.CreateRpcClient<HelloClient>();

        Assert.Equal("Hello world", (await client.HelloAsync(new HelloRequest { Msg = "world" }).AsTask().Limited()).Msg);
    }

    [Fact]
    public async Task Dispose_OfTheFactory_ClosesItsClients()
    {
        HelloClient client;
        await using (var hello = new RpcWebApplicationFactory<Program>())
        {
            client = hello.CreateRpcClient<HelloClient>();
        }

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => client.HelloAsync(new HelloRequest()).AsTask().Limited());
        Assert.Equal(RpcStatusCode.Unavailable, failed.StatusCode);
    }

    [Fact]
    public async Task TimeProvider_Advanced_EndsAnIdleConnectionWithoutWaiting()
    {
        ManualTimeProvider time = new();
        await using var hello = new RpcWebApplicationFactory<Program> { TimeProvider = time };
        await using RpcConnection connection = await hello.ConnectRpcAsync().Limited();
        await connection.CallAsync<HelloRequest, HelloReply>("helloworld", "Hello", new HelloRequest()).AsTask().Limited();

        // The server looks every so often, so one long step is not the same as many short ones.
        while (!connection.GoingAway.IsCompleted && time.GetUtcNow().Year == 2000)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await connection.GoingAway.Limited();
    }

    [Fact]
    public async Task WithWebHostBuilder_KeepsTheClock()
    {
        ManualTimeProvider time = new(DateTimeOffset.UnixEpoch);
        await using var hello = new RpcWebApplicationFactory<Program> { TimeProvider = time };
        await using RpcWebApplicationFactory<Program> other = hello.WithWebHostBuilder(_ => { });

        Assert.Same(time, other.Services.GetService(typeof(TimeProvider)));
    }

    private sealed class HelloClient(RpcCallInvoker invoker) : IRpcClient<HelloClient>
    {
        private static readonly RpcMethod<HelloRequest, HelloReply> Hello = RpcMethod.Unary<HelloRequest, HelloReply>("helloworld", "Hello");

        public static HelloClient Create(RpcCallInvoker invoker) => new(invoker);

        public ValueTask<HelloReply> HelloAsync(HelloRequest request) => invoker.CallAsync(Hello, request);
    }
}
