using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Invocation;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Many connections, receivers and callers that give up, over a small buffer.</summary>
public sealed class RpcSourceStressTests
{
    private const int Connections = 6;
    private const int CallsOfAConnection = 300;

    [Theory]
    [InlineData(TransportKind.Sockets, false)]
    [InlineData(TransportKind.Epoll, true)]
    [InlineData(TransportKind.IoUring, false)]
    public async Task Calls_OfBothVersionsManyReceiversSomeGivenUp_EveryReplyFitsItsCall(TransportKind transport, bool continuesInline)
    {
        await using SourceServer server = await SourceServer.StartAsync(
            new RpcSourceOptions { Capacity = 8, ContinuesInline = continuesInline }, setup: new TestServerSetup { Transport = transport });
        Task[] receivers = [.. Enumerable.Range(0, 3).Select(receiver => Task.Run(() => ServeAsync(server.Source, receiver)))];

        int[] answered = await Task.WhenAll(Enumerable.Range(0, Connections).Select(id => Task.Run(() => CallManyAsync(server.Server, id)))).InTime();

        Assert.All(answered, count => Assert.InRange(count, CallsOfAConnection / 2, CallsOfAConnection));
        await server.Client.DisposeAsync();
        await server.Server.StopAsync();
        await Task.WhenAll(receivers).InTime();
        await server.Server.ExpectNothingLeftAsync();
    }

    private static async Task ServeAsync(RpcMethodSource<HelloRequest, HelloReply> source, int receiver)
    {
        Random random = new(receiver);
        await foreach (Invocation<HelloRequest, HelloReply> invocation in source.ReceiveAllAsync())
        {
            switch (random.Next(3))
            {
                case 0:
                    invocation.Reply(new HelloReply { Msg = invocation.Argument.Msg });
                    break;
                case 1:
                    DeferredReply<HelloReply> reply = invocation.Defer();
                    string text = invocation.Argument.Msg;
                    ThreadPool.QueueUserWorkItem(_ => reply.Reply(new HelloReply { Msg = text }));
                    break;
                default:
                    await Task.Yield();
                    invocation.Reply(new HelloReply { Msg = invocation.Argument.Msg });
                    break;
            }
        }
    }

    private static async Task<int> CallManyAsync(TestServer server, int id)
    {
        int version = 1 + (id % 2);
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = version }).InTime();
        int answered = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, CallsOfAConnection), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (number, _) =>
        {
            using CancellationTokenSource cancellation = new();
            RpcCallOptions options = new() { CancellationToken = cancellation.Token };
            Task<HelloReply> call = client.CallAsync(SourceServer.Hello, new HelloRequest { Msg = $"{id} {number}" }, options).AsTask();
            if (number % 5 == 0)
            {
                await cancellation.CancelAsync();
            }

            try
            {
                Assert.Equal($"{id} {number}", (await call.InTime()).Msg);
                Interlocked.Increment(ref answered);
            }
            catch (OperationCanceledException) when (number % 5 == 0)
            {
                // Given up in time.
            }
        });
        return answered;
    }
}
