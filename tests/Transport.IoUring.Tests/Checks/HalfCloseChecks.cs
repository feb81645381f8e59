using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>A client that ended its sending side still gets its answer.</summary>
internal static class HalfCloseChecks
{
    private const int Request = 10_000;

    public static Task SmallAnswerIsDeliveredAsync(TransportVariant transport) => AnswerIsDeliveredAsync(transport, 10);

    public static Task LargeAnswerIsDeliveredAsync(TransportVariant transport) => AnswerIsDeliveredAsync(transport, 8 * 1024 * 1024);

    /// <summary>The application is still at work when the FIN comes; its answer comes after ConnectionClosed.</summary>
    public static async Task AnswerAfterConnectionClosedIsDeliveredAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using (connection.ConnectionClosed.Register(closed.SetResult))
            {
                await closed.Task.Limited();
            }

            await connection.Transport.Input.ReadPayloadAsync(seed: 1, Request);
            await connection.Transport.Output.WritePayloadAsync(seed: 2, 1_000_000);
        });
        await RequestAndReceiveAsync(server, 1_000_000);
        await server.StopAsync();
    }

    /// <summary>The token fires at the FIN, on the thread pool, so that its callbacks may block.</summary>
    public static async Task ConnectionClosedFiresOnPoolAsync(TransportVariant transport)
    {
        var firedOnPool = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            Assert.False(connection.ConnectionClosed.IsCancellationRequested);
            started.SetResult();
            connection.ConnectionClosed.Register(() => firedOnPool.SetResult(Thread.CurrentThread.IsThreadPoolThread));
            await connection.Transport.Input.DrainAsync();
            await finish.Task.Limited();
        });
        using TestClient client = await server.ConnectAsync();
        await started.Task.Limited();
        client.Fin();
        Assert.True(await firedOnPool.Task.Limited(), "ConnectionClosed fired on a thread that is not of the pool.");
        await Eventually.TrueAsync(() => server.Host.HasLogged(TransportEvents.ReadFin));
        finish.SetResult();
        await client.ReceiveEndAsync();
        await server.StopAsync();
    }

    /// <summary>The bytes that arrive with the FIN are not lost, also when the FIN waits behind a reader that is slow.</summary>
    public static async Task LastBytesBeforeFinArriveAsync(TransportVariant transport)
    {
        const int Length = 300_000;
        var settings = new TransportSettings { MaxReadBufferSize = 16 * 1024 };
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport,
            async connection =>
            {
                PipeReader input = connection.Transport.Input;
                await input.ReadPayloadAsync(seed: 5, Length);
                ReadResult end = await input.ReadAsync().Limited();
                Assert.True(end.IsCompleted);
                Assert.True(end.Buffer.IsEmpty);
            },
            settings);
        using TestClient client = await server.ConnectAsync();
        await client.SendPayloadAsync(seed: 5, Length);
        client.Fin();
        await client.ReceiveEndAsync();
        await server.StopAsync();
    }

    private static async Task AnswerIsDeliveredAsync(TransportVariant transport, int length)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            await connection.Transport.Input.ReadPayloadAsync(seed: 1, Request);
            await connection.Transport.Input.DrainAsync();
            await connection.Transport.Output.WritePayloadAsync(seed: 2, length);
        });
        await RequestAndReceiveAsync(server, length);
        await server.StopAsync();
    }

    private static async Task RequestAndReceiveAsync(ConnectionServer server, int answer)
    {
        using TestClient client = await server.ConnectAsync();
        await client.SendPayloadAsync(seed: 1, Request);
        client.Fin();
        await client.ReceivePayloadAsync(seed: 2, answer);
        await client.ReceiveEndAsync();
    }
}
