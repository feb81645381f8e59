using System.Net;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Kestrel.Rpc.Transport;

namespace Kestrel.Rpc.Benchmarks.Streaming;

/// <summary>One kind of stream, until it is cancelled.</summary>
/// <param name="Name">What it is called in the table.</param>
/// <param name="ItemLength">Bytes of a message.</param>
/// <param name="RunAsync">Connects, and moves items.</param>
internal sealed record StreamLoad(string Name, int ItemLength, Func<EndPoint, Counter, CancellationToken, Task> RunAsync)
{
    public static IReadOnlyList<StreamLoad> All { get; } =
    [
        new("16 bytes down", 16, (endPoint, counter, end) => DownAsync<Timestamp>("SmallDown", endPoint, counter, end)),
        new("16 bytes down, enumerable", 16, (endPoint, counter, end) => DownAsync<Timestamp>("SmallDownEnumerable", endPoint, counter, end)),
        new("16 bytes down, server alone", 16, (endPoint, counter, end) => FrameSink.RunAsync("items/SmallDown", endPoint, counter, end)),
        new("16 bytes up", 16, (endPoint, counter, end) => UpAsync("SmallUp", StreamServer.Small, endPoint, counter, end)),
        new("64 KiB down", 65_536, (endPoint, counter, end) => DownAsync<BytesValue>("LargeDown", endPoint, counter, end)),
        new("64 KiB down, server alone", 65_536, (endPoint, counter, end) => FrameSink.RunAsync("items/LargeDown", endPoint, counter, end)),
        new("64 KiB up", 65_536, (endPoint, counter, end) => UpAsync("LargeUp", StreamServer.Large, endPoint, counter, end)),
    ];

    /// <summary>What the server has read; one load runs at a time.</summary>
    public static Counter Received { get; private set; } = new();

    private static async Task DownAsync<T>(string name, EndPoint endPoint, Counter counter, CancellationToken end)
        where T : IMessage<T>, new()
    {
        await using RpcConnection connection = await RpcConnection.ConnectAsync(InProcessNetwork.Default, endPoint, cancellationToken: end);
        RpcMethod<Empty, T> method = RpcMethod.Create<Empty, T>(RpcMethodShape.ServerStreaming, "items", name);
        using RpcServerStreamingCall<T> call = connection.StartServerStream(method, new Empty(), new RpcCallOptions { CancellationToken = end });
        try
        {
            while (await call.Replies.MoveNextAsync(CancellationToken.None))
            {
                counter.Add(1);
            }
        }
        catch (OperationCanceledException)
        {
            // The end of the measurement.
        }
    }

    private static async Task UpAsync<T>(string name, T item, EndPoint endPoint, Counter counter, CancellationToken end)
        where T : IMessage<T>, new()
    {
        Received = counter;
        await using RpcConnection connection = await RpcConnection.ConnectAsync(InProcessNetwork.Default, endPoint, cancellationToken: end);
        RpcMethod<T, Empty> method = RpcMethod.Create<T, Empty>(RpcMethodShape.ClientStreaming, "items", name);
        using RpcClientStreamingCall<T, Empty> call = connection.StartClientStream(method, new RpcCallOptions { CancellationToken = end });
        try
        {
            while (!end.IsCancellationRequested)
            {
                await call.Requests.WriteAsync(item, CancellationToken.None);
            }
        }
        catch (OperationCanceledException)
        {
            // The end of the measurement.
        }
    }
}
