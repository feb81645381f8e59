using System.Text.Json.Serialization;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Authorization;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A service as generated code describes it, with one method of each shape; one of them has messages in JSON.</summary>
internal static class Shop
{
    public static readonly RpcMethod<StringValue, StringValue> Find = new(
        RpcMethodShape.Unary, new RpcMethodName("shop.Stock", "Find"), RpcCodec.Protobuf<StringValue>(), RpcCodec.Protobuf<StringValue>())
    {
        Aliases = [new RpcMethodName("Stock", "Find")],
    };

    public static readonly RpcMethod<Order, Order> Buy = RpcMethod.Create(
        RpcMethodShape.Unary, "shop.Stock", "Buy", RpcCodec.Json(ShopJson.Default.Order), RpcCodec.Json(ShopJson.Default.Order));

    public static readonly RpcMethod<Order, Int32Value> Count = RpcMethod.Create(
        RpcMethodShape.ClientStreaming, "shop.Stock", "Count", RpcCodec.Json(ShopJson.Default.Order), RpcCodec.Protobuf<Int32Value>());

    public static readonly RpcMethod<StringValue, Order> List = RpcMethod.Create(
        RpcMethodShape.ServerStreaming, "shop.Stock", "List", RpcCodec.Protobuf<StringValue>(), RpcCodec.Json(ShopJson.Default.Order));

    public static readonly RpcMethod<Order, Order> Change = RpcMethod.Create(
        RpcMethodShape.DuplexStreaming, "shop.Stock", "Change", RpcCodec.Json(ShopJson.Default.Order), RpcCodec.Json(ShopJson.Default.Order));

    public static RpcServiceDescription Description { get; } = new("shop.Stock", Find, Buy, Count, List, Change);

    internal abstract class StockBase : IRpcService
    {
        static RpcServiceDescription IRpcService.Description => Description;

        static void IRpcService.Bind(RpcServiceBinder binder)
        {
            binder.Unary<StockBase, StringValue, StringValue>(
                Shop.Find, nameof(Find), static (service, request, context) => service.Find(request, context));
            binder.Unary<StockBase, Order, Order>(Shop.Buy, nameof(Buy), static (service, request, context) => service.Buy(request, context));
            binder.ClientStream<StockBase, Order, Int32Value>(
                Shop.Count, nameof(Count), static (service, requests, context) => service.Count(requests, context));
            binder.ServerStream<StockBase, StringValue, Order>(
                Shop.List, nameof(List), static (service, request, replies, context) => service.List(request, replies, context));
            binder.DuplexStream<StockBase, Order, Order>(
                Shop.Change, nameof(Change), static (service, requests, replies, context) => service.Change(requests, replies, context));
        }

        public virtual ValueTask<StringValue> Find(StringValue request, RpcContext context) => throw None(context);

        public virtual ValueTask<Order> Buy(Order request, RpcContext context) => throw None(context);

        public virtual ValueTask<Int32Value> Count(IRpcStreamReader<Order> requests, RpcContext context) => throw None(context);

        public virtual ValueTask List(StringValue request, IRpcStreamWriter<Order> replies, RpcContext context) => throw None(context);

        public virtual ValueTask Change(IRpcStreamReader<Order> requests, IRpcStreamWriter<Order> replies, RpcContext context) => throw None(context);

        private static RpcException None(RpcContext context) => new(RpcStatusCode.Unimplemented, $"'{context.Name}' is not implemented.");
    }

    internal sealed record Order(string Item, int Count);
}

[JsonSerializable(typeof(Shop.Order))]
internal sealed partial class ShopJson : JsonSerializerContext;

/// <summary>Implements all of it.</summary>
internal class Stock : Shop.StockBase
{
    public override ValueTask<StringValue> Find(StringValue request, RpcContext context) => new(new StringValue { Value = $"{request.Value}!" });

    [Authorize("buyers")]
    public override ValueTask<Shop.Order> Buy(Shop.Order request, RpcContext context) => new(request with { Count = request.Count + 1 });

    public override async ValueTask<Int32Value> Count(IRpcStreamReader<Shop.Order> requests, RpcContext context)
    {
        int count = 0;
        await foreach (Shop.Order order in requests.ReadAllAsync())
        {
            count += order.Count;
        }

        return new Int32Value { Value = count };
    }

    public override async ValueTask List(StringValue request, IRpcStreamWriter<Shop.Order> replies, RpcContext context)
    {
        for (int i = 1; i <= 3; i++)
        {
            await replies.WriteAsync(new Shop.Order(request.Value, i));
        }
    }

    public override async ValueTask Change(IRpcStreamReader<Shop.Order> requests, IRpcStreamWriter<Shop.Order> replies, RpcContext context)
    {
        await foreach (Shop.Order order in requests.ReadAllAsync())
        {
            await replies.WriteAsync(order with { Count = -order.Count });
        }
    }
}
