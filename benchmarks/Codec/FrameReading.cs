using System.Buffers;
using BenchmarkDotNet.Attributes;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Benchmarks.Codec;

/// <summary>Finding one frame in a buffer, and reading its message.</summary>
[MemoryDiagnoser]
public class FrameReading
{
    private ReadOnlySequence<byte> _single;
    private ReadOnlySequence<byte> _many;

    /// <summary>Length of the string in the message.</summary>
    [Params(5, 4096)]
    public int Text { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        ArrayBufferWriter<byte> output = new();
        StringValue message = new() { Value = new string('x', Text) };
        RpcFrameWriter.WriteMessage(
            output, RpcFrameType.Request, 1, new RpcMethodName("helloworld", "Hello").ProtocolData.Span, message, RpcFrameLimits.Default);
        byte[] bytes = output.WrittenSpan.ToArray();
        _single = new ReadOnlySequence<byte>(bytes);

        // The header across two segments and the body across two more: no part lies in one piece but the protocol data.
        _many = Segment.Cut(bytes, 7, 70 - 7, (bytes.Length - 70) / 2);
    }

    [Benchmark(Baseline = true)]
    public long SingleSegment() => Read(_single);

    [Benchmark]
    public long ManySegments() => Read(_many);

    [Benchmark]
    public StringValue SingleSegmentAndMessage() => ReadMessage(_single);

    [Benchmark]
    public StringValue ManySegmentsAndMessage() => ReadMessage(_many);

    private static long Read(ReadOnlySequence<byte> buffer)
    {
        RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out RpcFrame frame, out _);
        return frame.Body.Length + frame.ProtocolData.Length;
    }

    private static StringValue ReadMessage(ReadOnlySequence<byte> buffer)
    {
        RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out RpcFrame frame, out _);
        return RpcMessageCodec.Deserialize<StringValue>(frame.Body);
    }
}
