using System.Text.Json.Serialization;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>A contract without protobuf: JSON, and a format of its own.</summary>
[RpcService("test.Orders"), RpcCodec(typeof(OrderJson)), RpcCodec(typeof(TicketCodec))]
public partial interface IOrders
{
    ValueTask<OrderReply> PlaceAsync(Order order, CancellationToken cancellationToken = default);

    IAsyncEnumerable<OrderReply> PlaceAllAsync(IAsyncEnumerable<Order> orders, CancellationToken cancellationToken = default);

    Task CancelAsync(Ticket ticket);
}

/// <summary>A message.</summary>
public sealed record Order(string Article, int Count);

/// <summary>A message.</summary>
public sealed record OrderReply(string Text);

/// <summary>A message of one number.</summary>
public sealed record Ticket(int Number);

[JsonSerializable(typeof(Order))]
[JsonSerializable(typeof(OrderReply))]
internal sealed partial class OrderJson : JsonSerializerContext;
