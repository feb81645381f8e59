using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests.Version2;

/// <summary>Frames of version 2 as a server sends them, right or wrong.</summary>
internal static class ServerFrame
{
    /// <summary>Any frame: the 16 bytes, then what is given.</summary>
    public static byte[] Raw(RpcFrameType type, uint callId, byte[] header, byte[] body, byte version = 2)
    {
        byte[] frame = new byte[RpcFrameHeader.Size + header.Length + body.Length];
        new RpcFrameHeader(version, type, callId, (uint)header.Length, (uint)body.Length).Write(frame);
        header.CopyTo(frame, RpcFrameHeader.Size);
        body.CopyTo(frame, RpcFrameHeader.Size + header.Length);
        return frame;
    }

    public static byte[] Text(string text) => new StringValue { Value = text }.ToByteArray();

    /// <summary>OK with a message.</summary>
    public static byte[] Response(uint callId, string text) => Raw(RpcFrameType.Response, callId, [], Text(text));

    /// <summary>OK with no message.</summary>
    public static byte[] End(uint callId) => Raw(RpcFrameType.Response, callId, [(byte)RpcCallBits.NoMessage], []);

    /// <summary>A RESPONSE with a header made by the library.</summary>
    public static byte[] Response(uint callId, RpcCallHeader header, byte[]? body = null) => Write(RpcFrameType.Response, callId, header, body);

    public static byte[] Failure(uint callId, RpcStatusCode code, string message, RpcCallBits flags = RpcCallBits.None) =>
        Response(callId, new RpcCallHeader { Flags = RpcCallBits.NoMessage | flags, Status = new RpcStatus(code, message) });

    public static byte[] Headers(uint callId, RpcMetadata metadata) => Write(RpcFrameType.Headers, callId, new RpcCallHeader { Metadata = metadata }, null);

    /// <summary>A whole message.</summary>
    public static byte[] Data(uint callId, string text) => Raw(RpcFrameType.Data, callId, [], Text(text));

    /// <summary>The first piece of a message.</summary>
    public static byte[] First(uint callId, byte[] piece, int length) =>
        Write(RpcFrameType.Data, callId, new RpcCallHeader { Flags = RpcCallBits.More, MessageLength = length }, piece);

    /// <summary>A piece between the first and the last.</summary>
    public static byte[] More(uint callId, byte[] piece) => Raw(RpcFrameType.Data, callId, [(byte)RpcCallBits.More], piece);

    /// <summary>Credit for a call, or with id 0 for the connection.</summary>
    public static byte[] Credit(uint callId, int bytes) => Written(output => RpcControlFrame.WriteCredit(output, callId, bytes));

    public static byte[] Ping(ulong opaque) => Written(output => RpcControlFrame.WritePing(output, opaque));

    public static byte[] Pong(ulong opaque) => Written(output => RpcControlFrame.WritePong(output, opaque));

    public static byte[] GoAway(RpcGoAwayCode code, string message) => Written(output => RpcControlFrame.WriteGoAway(output, code, message));

    public static byte[] Settings(RpcSettings settings) => Written(settings.Write);

    private static byte[] Write(RpcFrameType type, uint callId, RpcCallHeader header, byte[]? body) =>
        Written(output => RpcCallFrameWriter.Write(output, type, callId, default, header, new(body ?? []), RpcFrameLimits.Default));

    private static byte[] Written(Func<System.Buffers.IBufferWriter<byte>, int> write)
    {
        System.Buffers.ArrayBufferWriter<byte> output = new();
        write(output);
        return output.WrittenSpan.ToArray();
    }
}
