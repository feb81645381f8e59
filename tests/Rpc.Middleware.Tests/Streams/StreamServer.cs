using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>One method of each shape in each form, and a client's view of them.</summary>
internal static class StreamServer
{
    public static readonly RpcMethod<Int32Value, StringValue> Count = Method<Int32Value, StringValue>(RpcMethodShape.ServerStreaming, "Count");
    public static readonly RpcMethod<StringValue, Int32Value> Sum = Method<StringValue, Int32Value>(RpcMethodShape.ClientStreaming, "Sum");
    public static readonly RpcMethod<BytesValue, BytesValue> Echo = Method<BytesValue, BytesValue>(RpcMethodShape.DuplexStreaming, "Echo");

    /// <summary>The forms that a handler may have.</summary>
    public static TheoryData<string> Forms => ["enumerable", "task", "reader and writer", "typed"];

    public static RpcMethod<TRequest, TReply> Method<TRequest, TReply>(RpcMethodShape shape, string name)
        where TRequest : Google.Protobuf.IMessage<TRequest>, new()
        where TReply : Google.Protobuf.IMessage<TReply>, new() => RpcMethod.Create<TRequest, TReply>(shape, "test", name);

    public static Task<TestServer> StartAsync(string form, TransportKind transport = TransportKind.Sockets, Action<WebApplication>? more = null) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            App = app =>
            {
                Map(app, form);
                more?.Invoke(app);
            },
        });

    public static BytesValue Bytes(int length, byte fill = 7)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, fill);
        return new BytesValue { Value = Google.Protobuf.ByteString.CopyFrom(bytes) };
    }

    public static StringValue Text(int number) => new() { Value = number.ToString(CultureInfo.InvariantCulture) };

    private static void Map(WebApplication app, string form)
    {
        switch (form)
        {
            case "enumerable":
                app.MapRpc("test/Count", (Int32Value request) => CountTo(request.Value));
                app.MapRpc("test/Sum", (IAsyncEnumerable<StringValue> requests) => SumOf(requests));
                app.MapRpc("test/Echo", (IAsyncEnumerable<BytesValue> requests) => requests);
                break;
            case "task":
                app.MapRpc("test/Count", (Int32Value request, RpcContext context) => Task.FromResult(CountTo(request.Value)));
                app.MapRpc("test/Sum", async (IAsyncEnumerable<StringValue> requests, CancellationToken token) => await SumOf(requests));
                app.MapRpc("test/Echo", async (IAsyncEnumerable<BytesValue> requests, IRpcStreamWriter<BytesValue> replies) =>
                {
                    await foreach (BytesValue request in requests)
                    {
                        await replies.WriteAsync(request);
                    }
                });
                break;
            case "reader and writer":
                app.MapRpc("test/Count", (Int32Value request, IRpcStreamWriter<StringValue> replies) => CountToAsync(request.Value, replies));
                app.MapRpc("test/Sum", (IRpcStreamReader<StringValue> requests) => SumOf(requests));
                app.MapRpc("test/Echo", (IRpcStreamReader<BytesValue> requests, IRpcStreamWriter<BytesValue> replies) => EchoAsync(requests, replies));
                break;
            default:
                app.MapRpcServerStream<Int32Value, StringValue>("test/Count", (request, replies, _) => new ValueTask(CountToAsync(request.Value, replies)));
                app.MapRpcClientStream<StringValue, Int32Value>("test/Sum", (requests, _) => new ValueTask<Int32Value>(SumOf(requests)));
                app.MapRpcDuplexStream<BytesValue, BytesValue>("test/Echo", (requests, replies, _) => new ValueTask(EchoAsync(requests, replies)));
                break;
        }
    }

    private static async IAsyncEnumerable<StringValue> CountTo(int last)
    {
        for (int i = 1; i <= last; i++)
        {
            if (i % 100 == 0)
            {
                await Task.Yield();
            }

            yield return Text(i);
        }
    }

    private static async Task CountToAsync(int last, IRpcStreamWriter<StringValue> replies)
    {
        await foreach (StringValue value in CountTo(last))
        {
            await replies.WriteAsync(value);
        }
    }

    private static async Task<Int32Value> SumOf(IAsyncEnumerable<StringValue> requests)
    {
        int sum = 0;
        await foreach (StringValue request in requests)
        {
            sum += int.Parse(request.Value, CultureInfo.InvariantCulture);
        }

        return new Int32Value { Value = sum };
    }

    private static Task<Int32Value> SumOf(IRpcStreamReader<StringValue> requests) => SumOf(requests.ReadAllAsync());

    private static async Task EchoAsync(IRpcStreamReader<BytesValue> requests, IRpcStreamWriter<BytesValue> replies)
    {
        while (await requests.MoveNextAsync())
        {
            await replies.WriteAsync(requests.Current, requests.CurrentAttachment);
        }
    }
}
