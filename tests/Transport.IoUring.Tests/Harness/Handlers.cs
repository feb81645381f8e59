using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Connection handlers of the tests.</summary>
internal static class Handlers
{
    /// <summary>Sends everything back until the input ends.</summary>
    public static async Task EchoAsync(ConnectionContext connection)
    {
        PipeReader input = connection.Transport.Input;
        PipeWriter output = connection.Transport.Output;
        while (true)
        {
            ReadResult result = await input.ReadAsync();
            foreach (ReadOnlyMemory<byte> segment in result.Buffer)
            {
                output.Write(segment.Span);
            }

            input.AdvanceTo(result.Buffer.End);
            FlushResult flush = await output.FlushAsync();
            if (result.IsCompleted || flush.IsCompleted)
            {
                return;
            }
        }
    }

    /// <summary>Echoes to clients that may vanish at any time.</summary>
    public static async Task EchoUntilResetAsync(ConnectionContext connection)
    {
        try
        {
            await EchoAsync(connection);
        }
        catch (ConnectionResetException)
        {
            // The client's own doing.
        }
        catch (ConnectionAbortedException)
        {
            // The end of the test.
        }
    }

    /// <summary>Reads to the end of the input and drops it.</summary>
    public static async Task DrainAsync(this PipeReader input)
    {
        while (true)
        {
            ReadResult result = await input.ReadAsync().Limited();
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return;
            }
        }
    }

    /// <summary>Reads and verifies a stretch of a payload stream.</summary>
    public static async Task ReadPayloadAsync(this PipeReader input, int seed, long length, long position = 0)
    {
        for (long end = position + length; position < end;)
        {
            ReadResult result = await input.ReadAsync().Limited();
            ReadOnlySequence<byte> buffer = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, end - position));
            foreach (ReadOnlyMemory<byte> segment in buffer)
            {
                Payload.Verify(segment.Span, seed, position);
                position += segment.Length;
            }

            input.AdvanceTo(buffer.End);
            Assert.False(result.IsCompleted && position < end, $"The input ended at position {position} of {end}.");
        }
    }

    /// <summary>Writes a stretch of a payload stream, flushing after every piece.</summary>
    public static async Task WritePayloadAsync(this PipeWriter output, int seed, long length, int piece = 16 * 1024)
    {
        for (long position = 0; position < length;)
        {
            int count = (int)Math.Min(piece, length - position);
            Payload.Fill(output.GetSpan(count)[..count], seed, position);
            output.Advance(count);
            position += count;
            FlushResult flush = await output.FlushAsync().Limited();
            Assert.False(flush.IsCompleted, $"The transport stopped taking output at position {position} of {length}.");
        }
    }
}
