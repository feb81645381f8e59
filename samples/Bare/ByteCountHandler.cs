using System.Buffers;
using System.Buffers.Text;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Bare;

/// <summary>Answers every line with the number of bytes received so far, in decimal; the last answer comes after the client's FIN.</summary>
internal sealed class ByteCountHandler : ConnectionHandler
{
    private const int MaxDigits = 20;

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        PipeReader input = connection.Transport.Input;
        PipeWriter output = connection.Transport.Output;
        long count = 0;
        while (true)
        {
            ReadResult result = await input.ReadAsync();
            ReadOnlySequence<byte> rest = result.Buffer;
            while (rest.PositionOf((byte)'\n') is { } end)
            {
                ReadOnlySequence<byte> line = rest.Slice(0, rest.GetPosition(1, end));
                count += line.Length;
                Write(output, count);
                rest = rest.Slice(line.End);
            }

            // Nothing of a line is needed but its length: so no line is too long.
            count += rest.Length;
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                Write(output, count);
            }

            FlushResult flush = await output.FlushAsync();
            if (result.IsCompleted || flush.IsCompleted)
            {
                return;
            }
        }
    }

    private static void Write(PipeWriter output, long count)
    {
        Span<byte> text = output.GetSpan(MaxDigits + 1);
        Utf8Formatter.TryFormat(count, text, out int length);
        text[length] = (byte)'\n';
        output.Advance(length + 1);
    }
}
