using System.Buffers;
using System.Text;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Frames as they are on the wire.</summary>
internal static class Golden
{
    public const string Name = "helloworld/Hello";

    private const string ProtocolData =
        "7b22736572766963655f6e616d65223a2268656c6c6f776f726c64222c"    // {"service_name":"helloworld",
        + "226d6574686f645f6e616d65223a2248656c6c6f227d";              // "method_name":"Hello"}

    /// <summary>Hello("world") with sequence id 1.</summary>
    public static byte[] Request { get; } = Convert.FromHexString(
        "1234" + "01" + "01" + "00000001" + "00000033" + "00000007" + ProtocolData + "0a05776f726c64");

    /// <summary>Its reply.</summary>
    public static byte[] Reply { get; } = Convert.FromHexString(
        "1234" + "01" + "02" + "00000001" + "00000033" + "0000000d" + ProtocolData + "0a0b48656c6c6f20776f726c64");

    /// <summary>The reply to sequence id 1, helloworld/Nope, which does not exist; the vector "error-reply" of the document.</summary>
    public static byte[] ErrorReply { get; } = Convert.FromHexString(
        "1234" + "01" + "02" + "00000001" + "00000085" + "00000001"
        + "7b22736572766963655f6e616d65223a2268656c6c6f776f726c64222c226d6574686f645f6e616d65223a224e6f7065222c"
        + "226572726f725f636f6465223a22534552564552222c226572726f725f6d657373616765223a225365727669636520276865"
        + "6c6c6f776f726c642720686173206e6f206d6574686f6420274e6f7065272e227d"
        + "07");

    public static byte[] Call(uint sequenceId, string msg = "world", string name = Name) =>
        Frame(sequenceId, RpcMethodName.Parse(name).ProtocolData.Span, new HelloRequest { Msg = msg }.ToByteArray());

    public static byte[] Call(uint sequenceId, string protocolData, ReadOnlySpan<byte> body) =>
        Frame(sequenceId, Encoding.UTF8.GetBytes(protocolData), body);

    public static byte[] Frame(uint sequenceId, ReadOnlySpan<byte> protocolData, ReadOnlySpan<byte> body, RpcFrameType type = RpcFrameType.Request)
    {
        ArrayBufferWriter<byte> buffer = new();
        RpcFrameWriter.Write(buffer, type, sequenceId, protocolData, body);
        return buffer.WrittenSpan.ToArray();
    }

    public static byte[] Header(byte version, byte type, uint sequenceId, uint protocolDataLength, uint bodyLength)
    {
        byte[] header = new byte[RpcFrameHeader.Size];
        new RpcFrameHeader(version, (RpcFrameType)type, sequenceId, protocolDataLength, bodyLength).Write(header);
        return header;
    }
}
