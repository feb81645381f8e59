using System.Buffers;
using BenchmarkDotNet.Attributes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Benchmarks.Codec;

/// <summary>Reading the JSON of a request, which a server does once for each method it has seen.</summary>
[MemoryDiagnoser]
public class ProtocolDataReading
{
    private readonly ReadOnlySequence<byte> _bytes = new(new RpcMethodName("helloworld", "Hello").ProtocolData);

    [Benchmark]
    public bool Request() => RpcProtocolData.TryReadRequest(_bytes, out _, out _);
}
