using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests.Docs;

/// <summary>What docs/rpc-client.md shows, between "begin" and "end". <see cref="RpcClientDocumentTests"/> runs it.</summary>
internal static class RpcClientExamples
{
    // begin: methods
    private static readonly RpcMethod<StringValue, StringValue> Hello =
        RpcMethod.Unary<StringValue, StringValue>("helloworld", "Hello");

    private static readonly RpcMethod<StringValue, DoubleValue> Watch =
        RpcMethod.Create<StringValue, DoubleValue>(RpcMethodShape.ServerStreaming, "stock", "Watch");

    private static readonly RpcMethod<DoubleValue, DoubleValue> Sum =
        RpcMethod.Create<DoubleValue, DoubleValue>(RpcMethodShape.ClientStreaming, "stock", "Sum");
    // end

    public static async Task<string> CallAsync(RpcCallInvoker client)
    {
        // begin: call
        StringValue reply = await client.CallAsync(Hello, new StringValue { Value = "world" }, new RpcCallOptions
        {
            Timeout = TimeSpan.FromSeconds(1),
            Metadata = new RpcMetadata { { "trace-id", "abc12" } },
        });
        // end
        return reply.Value;
    }

    public static async Task<(string Reply, string? Region)> StartCallAsync(RpcCallInvoker client)
    {
        // begin: all of a call
        using RpcUnaryCall<StringValue> call = client.StartCall(Hello, new StringValue { Value = "world" });
        StringValue reply = await call.ReplyAsync;
        string? region = (await call.HeadersAsync).GetValue("region");
        // end
        return (reply.Value, region);
    }

    public static async Task<List<double>> WatchAsync(RpcCallInvoker client, CancellationToken cancellationToken)
    {
        List<double> prices = [];
        // begin: read a stream
        using RpcServerStreamingCall<DoubleValue> call = client.StartServerStream(Watch, new StringValue { Value = "apples" });
        await foreach (DoubleValue price in call.Replies.ReadAllAsync(cancellationToken))
        {
            prices.Add(price.Value);
        }
        // end
        return prices;
    }

    public static async Task<double> SumAsync(RpcCallInvoker client)
    {
        // begin: write a stream
        using RpcClientStreamingCall<DoubleValue, DoubleValue> call = client.StartClientStream(Sum);
        for (int i = 1; i <= 3; i++)
        {
            await call.Requests.WriteAsync(new DoubleValue { Value = i }); // waits while the server is behind
        }

        await call.Requests.CompleteAsync();
        DoubleValue sum = await call.ReplyAsync;
        // end
        return sum.Value;
    }

    public static async Task<string> CallForAsync(RpcCallInvoker client, IRpcParentCall context)
    {
        StringValue request = new() { Value = "world" };
        // begin: parent
        StringValue reply = await client.CallAsync(Hello, request, new RpcCallOptions { Parent = context });
        // end
        return reply.Value;
    }

    public static async Task<string> RetryAsync(RpcCallInvoker client, RpcCallInvoker another)
    {
        StringValue request = new() { Value = "world" };
        // begin: again
        try
        {
            return (await client.CallAsync(Hello, request)).Value;
        }
        catch (RpcException failed) when (failed.IsNotProcessed)
        {
            return (await another.CallAsync(Hello, request)).Value; // no handler has seen the first
        }
        // end
    }
}
