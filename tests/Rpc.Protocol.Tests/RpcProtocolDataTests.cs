using System.Buffers;
using System.Text;

namespace Kestrel.Rpc.Protocol.Tests;

public class RpcProtocolDataTests
{
    [Fact]
    public void TryReadRequest_Golden_ReadsBothNames()
    {
        Assert.True(RpcProtocolData.TryReadRequest(new(Golden.ProtocolData), out RpcProtocolData data, out _));
        Assert.Equal(new RpcProtocolData("helloworld", "Hello"), data);
    }

    [Fact]
    public void TryReadRequest_SplitAtEveryOffset_ReadsTheSame()
    {
        byte[] bytes = Golden.ProtocolData;
        for (int offset = 0; offset <= bytes.Length; offset++)
        {
            Assert.True(RpcProtocolData.TryReadRequest(Segments.Cut(bytes, offset), out RpcProtocolData data, out _));
            Assert.Equal(new RpcProtocolData("helloworld", "Hello"), data);
        }

        Assert.True(RpcProtocolData.TryReadRequest(Segments.OneByteEach(bytes), out RpcProtocolData last, out _));
        Assert.Equal(new RpcProtocolData("helloworld", "Hello"), last);
    }

    [Fact]
    public void Write_Golden_IsByteForByte()
    {
        ArrayBufferWriter<byte> output = new();
        RpcProtocolData.Write(output, "helloworld", "Hello");
        Assert.Equal(Golden.ProtocolData, output.WrittenSpan.ToArray());
    }

    [Theory]
    [InlineData("""{"method_name":"M","service_name":"S"}""")]
    [InlineData(""" { "service_name" : "S" , "method_name" : "M" } """)]
    [InlineData("{\n\t\"service_name\":\"S\",\r\n\t\"method_name\":\"M\"\n}\n")]
    [InlineData("""{"service_name":"S","trace":"t","method_name":"M","n":1,"o":{"service_name":"other","a":[1,{}]},"b":null}""")]
    [InlineData("""{"\u0073ervice_name":"\u0053","method_name":"M"}""")]
    [InlineData("""{"service_name":"S","method_name":"M","unknown":1,"unknown":2}""")]
    public void TryReadRequest_OtherSpellings_ReadTheSame(string json)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(json);
        foreach (ReadOnlySequence<byte> source in (ReadOnlySequence<byte>[])[new(bytes), Segments.OneByteEach(bytes)])
        {
            Assert.True(RpcProtocolData.TryReadRequest(source, out RpcProtocolData data, out RpcProtocolDataError error), error.ToString());
            Assert.Equal(new RpcProtocolData("S", "M"), data);
        }
    }

    [Theory]
    [InlineData("", RpcProtocolDataError.Malformed)]
    [InlineData("  ", RpcProtocolDataError.Malformed)]
    [InlineData("null", RpcProtocolDataError.Malformed)]
    [InlineData("\"service_name\"", RpcProtocolDataError.Malformed)]
    [InlineData("[]", RpcProtocolDataError.Malformed)]
    [InlineData("t", RpcProtocolDataError.Malformed)] // cut-off literals: found by the property tests
    [InlineData("{\"x\":f", RpcProtocolDataError.Malformed)]
    [InlineData("{\"service_name\":nul", RpcProtocolDataError.Malformed)]
    [InlineData("{\"x\":-", RpcProtocolDataError.Malformed)]
    [InlineData("{", RpcProtocolDataError.Malformed)]
    [InlineData("""{"service_name":"S","method_name":"M"}x""", RpcProtocolDataError.Malformed)]
    [InlineData("""{"service_name":"S","method_name":"M"}{}""", RpcProtocolDataError.Malformed)]
    [InlineData("""{"service_name":"S","method_name":"M",}""", RpcProtocolDataError.Malformed)]
    [InlineData("""{"service_name":"S","method_name":"M""", RpcProtocolDataError.Malformed)]
    [InlineData("""{"service_name":"\ud800","method_name":"M"}""", RpcProtocolDataError.Malformed)]
    [InlineData("""{'service_name':'S','method_name':'M'}""", RpcProtocolDataError.Malformed)]
    [InlineData("""{"service_name":"S","method_name":"M"/*c*/}""", RpcProtocolDataError.Malformed)]
    [InlineData("""{"service_name":"S","service_name":"T","method_name":"M"}""", RpcProtocolDataError.DuplicateKey)]
    [InlineData("""{"service_name":"S","method_name":"M","method_name":"M"}""", RpcProtocolDataError.DuplicateKey)]
    [InlineData("""{"service_name":"S","method_name":"M","method_name":1}""", RpcProtocolDataError.DuplicateKey)]
    [InlineData("""{"service_name":1,"method_name":"M"}""", RpcProtocolDataError.WrongType)]
    [InlineData("""{"service_name":"S","method_name":null}""", RpcProtocolDataError.WrongType)]
    [InlineData("""{"service_name":"S","method_name":["M"]}""", RpcProtocolDataError.WrongType)]
    [InlineData("""{"service_name":"S","method_name":"M","error_code":3}""", RpcProtocolDataError.WrongType)]
    [InlineData("{}", RpcProtocolDataError.MissingServiceName)]
    [InlineData("""{"method_name":"M"}""", RpcProtocolDataError.MissingServiceName)]
    [InlineData("""{"service_name":"S"}""", RpcProtocolDataError.MissingMethodName)]
    public void TryReadRequest_Bad_IsATypedError(string json, RpcProtocolDataError expected)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(json);
        foreach (ReadOnlySequence<byte> source in (ReadOnlySequence<byte>[])[new(bytes), Segments.OneByteEach(bytes)])
        {
            Assert.False(RpcProtocolData.TryReadRequest(source, out _, out RpcProtocolDataError error));
            Assert.Equal(expected, error);
        }
    }

    [Fact]
    public void TryReadRequest_BytesThatAreNotUtf8_IsMalformed()
    {
        byte[] bytes = Golden.ProtocolData;
        bytes[18] = 0xff;
        Assert.False(RpcProtocolData.TryReadRequest(new(bytes), out _, out RpcProtocolDataError error));
        Assert.Equal(RpcProtocolDataError.Malformed, error);
    }

    [Fact]
    public void TryReadRequest_DeepNesting_IsMalformed()
    {
        byte[] bytes = Encoding.UTF8.GetBytes("{\"x\":" + new string('[', 30_000) + new string(']', 30_000) + "}");
        Assert.False(RpcProtocolData.TryReadRequest(new(bytes), out _, out RpcProtocolDataError error));
        Assert.Equal(RpcProtocolDataError.Malformed, error);
    }

    [Fact]
    public void TryReadRequest_LongAndInManySegments_ReadsTheSame()
    {
        string service = new('s', 5000);
        byte[] bytes = Encoding.UTF8.GetBytes($$"""{"service_name":"{{service}}","method_name":"M"}""");
        Assert.True(RpcProtocolData.TryReadRequest(Segments.OneByteEach(bytes), out RpcProtocolData data, out _));
        Assert.Equal(new RpcProtocolData(service, "M"), data);
    }

    [Fact]
    public void TryReadReply_WithoutNames_IsAccepted()
    {
        Assert.True(RpcProtocolData.TryReadReply(new("{\"error_code\":\"SERVER\"}"u8.ToArray()), out RpcProtocolData data, out _));
        Assert.Equal(new RpcProtocolData(null, null, "SERVER"), data);
    }
}
