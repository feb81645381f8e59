using System.Buffers;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests;

/// <summary>Frames as a server sends them. On the wire a StringValue is the Hello message: one string, field 1.</summary>
internal static class Wire
{
    public static readonly RpcMethodName Hello = new("helloworld", "Hello");

    public static StringValue Text(string value) => new() { Value = value };

    public static byte[] Reply(uint sequenceId, string text, byte type = 2) =>
        Frame(sequenceId, Hello.ProtocolData.ToArray(), Text(text).ToByteArray(), type);

    public static byte[] Frame(uint sequenceId, byte[] protocolData, byte[] body, byte type = 2)
    {
        ArrayBufferWriter<byte> output = new();
        RpcFrameWriter.Write(output, (RpcFrameType)type, sequenceId, protocolData, body);
        return output.WrittenSpan.ToArray();
    }

    public static byte[] Error(uint sequenceId, RpcErrorCode code, string message)
    {
        ArrayBufferWriter<byte> output = new();
        RpcErrorReply.Write(output, sequenceId, "helloworld", "Hello", code, message);
        return output.WrittenSpan.ToArray();
    }
}
