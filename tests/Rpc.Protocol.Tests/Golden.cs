namespace Kestrel.Rpc.Protocol.Tests;

/// <summary>Frames as they stand on the wire.</summary>
internal static class Golden
{
    /// <summary>{"service_name":"helloworld","method_name":"Hello"}</summary>
    public static byte[] ProtocolData =>
    [
        0x7b, 0x22, 0x73, 0x65, 0x72, 0x76, 0x69, 0x63, 0x65, 0x5f, 0x6e, 0x61, 0x6d, 0x65, 0x22, 0x3a, // {"service_name":
        0x22, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x77, 0x6f, 0x72, 0x6c, 0x64, 0x22, 0x2c, // "helloworld",
        0x22, 0x6d, 0x65, 0x74, 0x68, 0x6f, 0x64, 0x5f, 0x6e, 0x61, 0x6d, 0x65, 0x22, 0x3a, // "method_name":
        0x22, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x22, 0x7d, // "Hello"}
    ];

    public static byte[] RequestBody =>
    [
        0x0a, // field 1, length-delimited
        0x05, // length = 5
        0x77, 0x6f, 0x72, 0x6c, 0x64, // world
    ];

    public static byte[] ReplyBody =>
    [
        0x0a, // field 1, length-delimited
        0x0b, // length = 11
        0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x20, 0x77, 0x6f, 0x72, 0x6c, 0x64, // Hello world
    ];

    public static byte[] Request =>
    [
        0x12, 0x34, // magic
        0x01, // version
        0x01, // request
        0x00, 0x00, 0x00, 0x01, // sequence id = 1
        0x00, 0x00, 0x00, 0x33, // protocol-data length = 51
        0x00, 0x00, 0x00, 0x07, // body length = 7
        .. ProtocolData,
        .. RequestBody,
    ];

    public static byte[] Reply =>
    [
        0x12, 0x34, // magic
        0x01, // version
        0x02, // response
        0x00, 0x00, 0x00, 0x01, // sequence id = 1
        0x00, 0x00, 0x00, 0x33, // protocol-data length = 51
        0x00, 0x00, 0x00, 0x0d, // body length = 13
        .. ProtocolData,
        .. ReplyBody,
    ];

    public static byte[] ReplyOfTheOriginal
    {
        get
        {
            byte[] reply = Reply;
            reply[3] = 0x01; // the original server sends its replies as requests
            return reply;
        }
    }

    /// <summary>A header alone.</summary>
    public static byte[] Header(byte version = 1, byte type = 1, uint sequenceId = 1, uint protocolData = 0, uint body = 0)
    {
        byte[] bytes = new byte[RpcFrameHeader.Size];
        new RpcFrameHeader(version, (RpcFrameType)type, sequenceId, protocolData, body).Write(bytes);
        return bytes;
    }
}
