using System.Buffers;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What docs/rpc-server.md shows of streams, compression and attachments, between "begin" and "end". <see cref="RpcStreamDocumentTests"/> runs it.</summary>
internal static class RpcStreamExamples
{
    public static void Map(WebApplication app)
    {
        // begin: streams
        app.MapRpc("stock/Watch", (StringValue item, Prices prices, CancellationToken token) => prices.Of(item.Value, token));

        app.MapRpc("stock/Sum", async (IAsyncEnumerable<DoubleValue> numbers) =>
        {
            double sum = 0;
            await foreach (DoubleValue number in numbers)
            {
                sum += number.Value;
            }

            return new DoubleValue { Value = sum };
        });

        app.MapRpc("stock/Ask", async (IRpcStreamReader<StringValue> items, IRpcStreamWriter<DoubleValue> replies, Prices prices) =>
        {
            while (await items.MoveNextAsync())
            {
                await replies.WriteAsync(prices.Last(items.Current.Value));
            }
        });
        // end

        // begin: typed streams
        app.MapRpcServerStream<Int32Value, StringValue>("numbers/Count", async (last, replies, context) =>
        {
            for (int i = 1; i <= last.Value; i++)
            {
                await replies.WriteAsync(new StringValue { Value = $"{i}" });
            }
        });
        // end

        // begin: compression
        app.MapRpc("text/Upper", (StringValue text) => new StringValue { Value = text.Value.ToUpperInvariant() })
            .WithRpcCompression(RpcEncoding.Gzip);
        // end

        // begin: attachments
        app.MapRpc("files/Reverse", (StringValue name, RpcContext context) =>
        {
            byte[] bytes = new byte[context.RequestAttachment.Length];
            context.RequestAttachment.CopyTo(bytes);
            bytes.AsSpan().Reverse();
            context.ReplyAttachment = new ReadOnlySequence<byte>(bytes);
            return new StringValue { Value = $"{name.Value}, reversed" };
        });
        // end
    }

    internal sealed class Prices
    {
        public DoubleValue Last(string item) => new() { Value = item.Length };

        public async IAsyncEnumerable<DoubleValue> Of(string item, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken token)
        {
            for (int i = 0; ; i++)
            {
                token.ThrowIfCancellationRequested();
                yield return new DoubleValue { Value = item.Length + i };
                await Task.Yield();
            }
        }
    }
}
