using System.Net;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>A request body that is a stretch of a payload stream.</summary>
internal sealed class PayloadContent(int seed, long length) : HttpContent
{
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        byte[] buffer = new byte[64 * 1024];
        for (long position = 0; position < length;)
        {
            int count = (int)Math.Min(buffer.Length, length - position);
            Payload.Fill(buffer.AsSpan(0, count), seed, position);
            await stream.WriteAsync(buffer.AsMemory(0, count));
            position += count;
        }
    }

    protected override bool TryComputeLength(out long contentLength)
    {
        contentLength = length;
        return true;
    }
}
