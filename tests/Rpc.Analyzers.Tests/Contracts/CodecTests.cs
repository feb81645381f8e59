using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>Contracts whose messages are no protobuf messages.</summary>
public sealed class CodecTests
{
    [Fact]
    public async Task Messages_WithCodecs_GoBothWays()
    {
        ShopLog log = new();
        await using InProcessServer server = await InProcessServer.StartAsync(
            app => app.MapRpcService<OrderService>(), services => services.AddSingleton(log).AddSingleton<OrderService>());
        OrdersClient orders = new(server.Connection);

        Assert.Equal(new OrderReply("2 pens"), await orders.PlaceAsync(new Order("pens", 2)).InTime());
        await orders.CancelAsync(new Ticket(77)).InTime();
        Assert.Equal(["77"], log.Saved);
        List<string> replies = [];
        await foreach (OrderReply reply in orders.PlaceAllAsync(Orders()))
        {
            replies.Add(reply.Text);
        }

        Assert.Equal(["1 pens", "2 pens", "3 pens"], replies);
    }

    private static async IAsyncEnumerable<Order> Orders()
    {
        for (int i = 1; i <= 3; i++)
        {
            await Task.Yield();
            yield return new Order("pens", i);
        }
    }

    internal sealed class OrderService(ShopLog log) : IOrders
    {
        public ValueTask<OrderReply> PlaceAsync(Order order, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(new OrderReply($"{order.Count} {order.Article}"));

        public async IAsyncEnumerable<OrderReply> PlaceAllAsync(
            IAsyncEnumerable<Order> orders, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await foreach (Order order in orders.WithCancellation(cancellationToken))
            {
                yield return await PlaceAsync(order, cancellationToken);
            }
        }

        public Task CancelAsync(Ticket ticket)
        {
            log.Saved.Enqueue(ticket.Number.ToString(CultureInfo.InvariantCulture));
            return Task.CompletedTask;
        }
    }
}
