using Google.Protobuf.WellKnownTypes;
using Hello;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>A contract with every shape and every form of a method.</summary>
[RpcService("test.Shop")]
public partial interface IShop
{
    ValueTask<HelloReply> FindAsync(HelloRequest request, CancellationToken cancellationToken = default);

    Task<HelloReply> FindSlowly(HelloRequest request);

    [RpcMethod("Store", Aliases = ["old.Shop/Put"])]
    Task SaveAsync(HelloRequest request, CancellationToken cancellationToken);

#pragma warning disable CA1068 // the token last: where it stands makes no difference
    ValueTask ForgetAsync(CancellationToken cancellationToken, HelloRequest request);
#pragma warning restore CA1068

    [RpcMethod(IsOneWay = true)]
    Task NotifyAsync(HelloRequest request);

    IAsyncEnumerable<StringValue> CountAsync(Int32Value request, CancellationToken cancellationToken = default);

    Task<Int32Value> SumAsync(IAsyncEnumerable<Int32Value> requests, CancellationToken cancellationToken = default);

    ValueTask DrainAsync(IAsyncEnumerable<Int32Value> requests, CancellationToken cancellationToken = default);

    IAsyncEnumerable<Int32Value> DoubleAsync(IAsyncEnumerable<Int32Value> requests, CancellationToken cancellationToken = default);
}
