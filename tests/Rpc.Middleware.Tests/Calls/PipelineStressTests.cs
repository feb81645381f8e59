using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Many calls at once through parts that wait, give up waiting, and fail: no call sees anything of another one.</summary>
public sealed class PipelineStressTests
{
    private const int Calls = 4000;

    [Theory]
    [InlineData(RpcScheduling.ThreadPool)]
    [InlineData(RpcScheduling.Inline)]
    public async Task Calls_OfEveryKindAtOnce_EachGetsItsOwnReply(RpcScheduling scheduling)
    {
        int mixedUp = 0;
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Scheduling = scheduling,
            App = app =>
            {
                app.UseRpc(rpc => rpc
                    .Use(async (call, next) => await next(call))
                    .Use(async (call, next) =>
                    {
                        string text = TextOf(call);
                        if (!text.EndsWith('3'))
                        {
                            await next(call);
                            return;
                        }

                        // Gives up at once; what it called goes on with the context.
                        _ = next(call).AsTask();
                        throw new RpcException(RpcErrorCode.Timeout, text);
                    }));
                app.MapRpcGroup().AddRpcFilter(async (call, next) =>
                {
                    if (TextOf(call).EndsWith('5'))
                    {
                        await Task.Yield();
                    }

                    await next(call);
                }).MapRpc(Golden.Name, async (HelloRequest request, RpcContext call) =>
                {
                    if (!request.Msg.EndsWith('1'))
                    {
                        await Task.Yield();
                    }

                    if (TextOf(call) != request.Msg)
                    {
                        Interlocked.Increment(ref mixedUp);
                    }

                    return request.Msg.EndsWith('7') ? throw new RpcException(RpcErrorCode.Client, request.Msg) : new HelloReply { Msg = request.Msg };
                }).AddRpcFilter((call, next) => next(call));
            },
        });
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = 1 }).InTime();

        string[] answers = await Task.WhenAll(Enumerable.Range(0, Calls).Select(i => AskAsync(client, $"{i}"))).InTime();

        Assert.Equal(Enumerable.Range(0, Calls).Select(i => (i % 10) switch { 3 => $"Timeout {i}", 7 => $"Client {i}", _ => $"{i}" }), answers);
        Assert.Equal(0, mixedUp);
    }

    private static string TextOf(RpcContext call) => ((HelloRequest)call.Request).Msg;

    private static async Task<string> AskAsync(RpcConnection client, string text)
    {
        try
        {
            return (await client.CallAsync<HelloRequest, HelloReply>("helloworld", "Hello", new HelloRequest { Msg = text })).Msg;
        }
        catch (RpcException exception)
        {
            return $"{exception.Code} {exception.Message}";
        }
    }
}
