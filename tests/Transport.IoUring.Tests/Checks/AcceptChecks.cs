using System.Buffers;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>What an application can rely on when it accepts.</summary>
internal static class AcceptChecks
{
    /// <summary>More clients than any queue inside a transport may drop connect before the application accepts at all.</summary>
    public static async Task EveryQueuedConnectionIsServedAsync(TransportVariant transport)
    {
        const int Clients = 300;
        await using var host = TransportHost.Create(transport);
        await using IConnectionListener listener = await host.BindAsync();
        var clients = new List<TestClient>();
        for (int i = 0; i < Clients; i++)
        {
            clients.Add(await TestClient.ConnectAsync(listener.EndPoint));
            await clients[i].SendAsync(Payload.Create(i, 100));
        }

        var echoes = new List<Task>();
        for (int i = 0; i < Clients; i++)
        {
            ConnectionContext? connection = await listener.AcceptAsync().Limited();
            Assert.NotNull(connection);
            echoes.Add(Task.Run(async () =>
            {
                await Handlers.EchoAsync(connection);
                await connection.DisposeAsync();
            }));
        }

        for (int i = 0; i < Clients; i++)
        {
            await clients[i].ReceivePayloadAsync(i, 100);
            clients[i].Fin();
            await clients[i].ReceiveEndAsync();
            clients[i].Dispose();
        }

        await Task.WhenAll(echoes).Limited();
        await listener.UnbindAsync().Limited();
        await host.VerifyPoolAsync();
    }

    /// <summary>Clients that are gone before they are accepted are no fault of the listener.</summary>
    public static async Task ResetBeforeAcceptNeverThrowsAsync(TransportVariant transport)
    {
        await using var host = TransportHost.Create(transport);
        await using IConnectionListener listener = await host.BindAsync();
        for (int i = 0; i < 50; i++)
        {
            (await TestClient.ConnectAsync(listener.EndPoint)).Reset();
        }

        using TestClient last = await TestClient.ConnectAsync(listener.EndPoint);
        await last.SendAsync("x"u8.ToArray());
        for (bool found = false; !found;)
        {
            ConnectionContext? connection = await listener.AcceptAsync().Limited();
            Assert.NotNull(connection);
            try
            {
                var result = await connection.Transport.Input.ReadAsync().Limited();
                found = result.Buffer.FirstSpan is [(byte)'x'];
                connection.Transport.Input.AdvanceTo(result.Buffer.End);
            }
            catch (ConnectionResetException)
            {
                // One of the fifty: a transport may hand them out or leave them out.
            }

            await connection.DisposeAsync().Limited();
        }
    }

    /// <summary>A pending accept ends with null at unbind, and so do all later ones.</summary>
    public static async Task NullAfterUnbindAsync(TransportVariant transport)
    {
        await using var host = TransportHost.Create(transport);
        await using IConnectionListener listener = await host.BindAsync();
        Task<ConnectionContext?> pending = listener.AcceptAsync().AsTask();
        Assert.False(pending.IsCompleted);
        await listener.UnbindAsync().Limited();
        Assert.Null(await pending.Limited());
        Assert.Null(await listener.AcceptAsync().Limited());
        await listener.UnbindAsync().Limited();
        await listener.DisposeAsync().Limited();
        Assert.Null(await listener.AcceptAsync().Limited());
    }

    /// <summary>A cancelled accept throws, and the next one accepts.</summary>
    public static async Task CancelledAcceptLosesNothingAsync(TransportVariant transport)
    {
        await using var host = TransportHost.Create(transport);
        await using IConnectionListener listener = await host.BindAsync();
        using var cancellation = new CancellationTokenSource();
        Task<ConnectionContext?> pending = listener.AcceptAsync(cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pending.Limited());
        using TestClient client = await TestClient.ConnectAsync(listener.EndPoint);
        ConnectionContext? connection = await listener.AcceptAsync().Limited();
        Assert.NotNull(connection);
        await connection.DisposeAsync().Limited();
        await client.ReceiveEndAsync();
    }

    /// <summary>Connections are served at any number of end points of one transport.</summary>
    public static async Task TwoListenersBothServeAsync(TransportVariant transport)
    {
        await using var host = TransportHost.Create(transport);
        await using IConnectionListener first = await host.BindAsync();
        await using IConnectionListener second = await host.BindAsync();
        Assert.NotEqual(first.EndPoint, second.EndPoint);
        foreach (IConnectionListener listener in new[] { first, second })
        {
            using TestClient client = await TestClient.ConnectAsync(listener.EndPoint);
            ConnectionContext? connection = await listener.AcceptAsync().Limited();
            Assert.Equal(client.LocalEndPoint, connection!.RemoteEndPoint);
            await connection.DisposeAsync().Limited();
        }
    }

    /// <summary>Unbinding one end point leaves the others of the same transport alone.</summary>
    public static async Task UnbindOfOneListenerLeavesTheOtherAsync(TransportVariant transport)
    {
        await using var host = TransportHost.Create(transport);
        await using IConnectionListener staying = await host.BindAsync();
        IConnectionListener leaving = await host.BindAsync();
        await leaving.UnbindAsync().Limited();
        await leaving.DisposeAsync().Limited();
        using TestClient client = await TestClient.ConnectAsync(staying.EndPoint);
        ConnectionContext? connection = await staying.AcceptAsync().Limited();
        await connection!.Transport.Output.WriteAsync(new byte[] { 1 }).Limited();
        Assert.Equal([1], await client.ReceiveExactAsync(1));
        await connection.DisposeAsync().Limited();
        await Assert.ThrowsAsync<SocketException>(() => TestClient.ConnectAsync(leaving.EndPoint));
    }
}
