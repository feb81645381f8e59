using System.Net;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;
using Kestrel.Rpc.Transport;

namespace Kestrel.Rpc.Benchmarks.Streaming;

/// <summary>The methods that are measured.</summary>
internal static class StreamServer
{
    public static EndPoint EndPoint { get; } = new InProcessEndPoint("streaming");

    /// <summary>16 bytes as a message: two numbers.</summary>
    public static Timestamp Small { get; } = new() { Seconds = 1L << 60, Nanos = 1 << 30 };

    /// <summary>64 KiB as a message.</summary>
    public static BytesValue Large { get; } = new() { Value = ByteString.CopyFrom(new byte[65_532]) };

    public static WebApplication Build()
    {
        if (Small.CalculateSize() != 16 || Large.CalculateSize() != 65_536)
        {
            throw new InvalidOperationException("The items do not have their size.");
        }

        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseInProcess();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(EndPoint, listen => listen.UseRpc()));
        builder.Services.AddRpc();
        WebApplication app = builder.Build();
        app.MapRpc("items/SmallDown", (Empty _, IRpcStreamWriter<Timestamp> replies) => WriteAsync(Small, replies));
        app.MapRpc("items/LargeDown", (Empty _, IRpcStreamWriter<BytesValue> replies) => WriteAsync(Large, replies));
        app.MapRpc("items/SmallUp", (IRpcStreamReader<Timestamp> requests) => ReadAsync(requests));
        app.MapRpc("items/LargeUp", (IRpcStreamReader<BytesValue> requests) => ReadAsync(requests));
        app.MapRpc("items/SmallDownEnumerable", (Empty _) => Forever());
        return app;
    }

    // Until the caller cancels.
    private static async Task WriteAsync<T>(T item, IRpcStreamWriter<T> replies)
    {
        while (true)
        {
            await replies.WriteAsync(item);
        }
    }

    private static async Task<Empty> ReadAsync<T>(IRpcStreamReader<T> requests)
    {
        while (await requests.MoveNextAsync())
        {
            StreamLoad.Received.Add(1);
        }

        return new Empty();
    }

#pragma warning disable CS1998 // it never waits
    private static async IAsyncEnumerable<Timestamp> Forever()
    {
        while (true)
        {
            yield return Small;
        }
    }
}
