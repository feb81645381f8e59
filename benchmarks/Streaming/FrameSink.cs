using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Kestrel.Rpc.Protocol;
using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Benchmarks.Streaming;

/// <summary>A client that only counts frames and grants credit: what is left is the server's own part, and the transport.</summary>
internal static class FrameSink
{
    private const uint CallId = 1;
    private const int GrantAtOnce = RpcSettings.DefaultCallCredit / 2;

    public static async Task RunAsync(string method, EndPoint endPoint, Counter counter, CancellationToken end)
    {
        await using ConnectionContext connection = await InProcessNetwork.Default.ConnectAsync(endPoint, end);
        PipeWriter output = connection.Transport.Output;
        PipeReader input = connection.Transport.Input;
        RpcCallFrameWriter.Write(
            output,
            RpcFrameType.Request,
            CallId,
            new RpcMethodReference(0, Encoding.UTF8.GetBytes(method)),
            new RpcCallHeader { Flags = RpcCallBits.End },
            ReadOnlySequence<byte>.Empty,
            RpcFrameRules.DefaultVersion2Limits);
        await output.FlushAsync(end);
        long used = 0;
        while (!end.IsCancellationRequested)
        {
            ReadResult read = await input.ReadAsync(CancellationToken.None);
            SequencePosition consumed = Count(read.Buffer, counter, ref used);
            input.AdvanceTo(consumed, read.Buffer.End);
            if (used >= GrantAtOnce)
            {
                RpcControlFrame.WriteCredit(output, 0, (int)used);
                RpcControlFrame.WriteCredit(output, CallId, (int)used);
                used = 0;
                await output.FlushAsync(CancellationToken.None);
            }
        }
    }

    private static SequencePosition Count(ReadOnlySequence<byte> buffer, Counter counter, ref long used)
    {
        SequenceReader<byte> reader = new(buffer);
        Span<byte> bytes = stackalloc byte[RpcFrameHeader.Size];
        while (reader.TryCopyTo(bytes) && RpcFrameHeader.TryParse(bytes, out RpcFrameHeader header) && reader.Remaining >= header.FrameLength)
        {
            reader.Advance(header.FrameLength);
            if (header.Type == RpcFrameType.Data)
            {
                counter.Add(1);
                used += header.FrameLength;
            }
        }

        return reader.Position;
    }
}
