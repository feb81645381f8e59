using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>A gibibyte of body in each direction, verified byte by byte.</summary>
internal static class HttpStreamChecks
{
    private const long Gibibyte = 1L << 30;

    public static async Task DownAsync(TransportVariant transport)
    {
        await using KestrelHost host = await KestrelHost.StartAsync(transport, async context =>
        {
            context.Response.ContentLength = Gibibyte;
            await context.Response.BodyWriter.WritePayloadAsync(seed: 1, Gibibyte, piece: 64 * 1024);
        });
        using HttpClient client = host.CreateClient();
        using HttpResponseMessage response = await client.GetAsync("/", HttpCompletionOption.ResponseHeadersRead).Limited();
        Assert.Equal(Gibibyte, response.Content.Headers.ContentLength);
        using Stream body = await response.Content.ReadAsStreamAsync().Limited();
        byte[] buffer = new byte[64 * 1024];
        long position = 0;
        int count;
        while ((count = await body.ReadAsync(buffer).Limited()) > 0)
        {
            Payload.Verify(buffer.AsSpan(0, count), seed: 1, position);
            position += count;
        }

        Assert.Equal(Gibibyte, position);
        await host.StopAsync();
    }

    public static async Task UpAsync(TransportVariant transport)
    {
        await using KestrelHost host = await KestrelHost.StartAsync(transport, async context =>
        {
            Assert.Equal(Gibibyte, context.Request.ContentLength);
            await context.Request.BodyReader.ReadPayloadAsync(seed: 2, Gibibyte);
            await context.Response.WriteAsync(Gibibyte.ToString(CultureInfo.InvariantCulture));
        });
        using HttpClient client = host.CreateClient();
        client.Timeout = Timeout.InfiniteTimeSpan;
        using var content = new PayloadContent(seed: 2, Gibibyte);
        using HttpResponseMessage response = await client.PostAsync("/", content).Limited();
        Assert.Equal(Gibibyte.ToString(CultureInfo.InvariantCulture), await response.Content.ReadAsStringAsync().Limited());
        await host.StopAsync();
    }
}
