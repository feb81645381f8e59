using System.Buffers;
using BenchmarkDotNet.Attributes;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Benchmarks.Codec;

/// <summary>Writing one frame into memory that is there already.</summary>
[MemoryDiagnoser]
public class FrameWriting
{
    private readonly RpcMethodName _hello = new("helloworld", "Hello");
    private readonly ArrayBufferWriter<byte> _output = new(16 * 1024);
    private StringValue _message = new();
    private byte[] _body = [];

    /// <summary>Length of the string in the message.</summary>
    [Params(5, 4096)]
    public int Text { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _message = new StringValue { Value = new string('x', Text) };
        _body = _message.ToByteArray();
    }

    [Benchmark(Baseline = true)]
    public int Bytes()
    {
        _output.ResetWrittenCount();
        return RpcFrameWriter.Write(_output, RpcFrameType.Response, 1, _hello.ProtocolData.Span, _body);
    }

    [Benchmark]
    public int Message()
    {
        _output.ResetWrittenCount();
        return RpcFrameWriter.WriteMessage(_output, RpcFrameType.Response, 1, _hello.ProtocolData.Span, _message, RpcFrameLimits.Default);
    }
}
