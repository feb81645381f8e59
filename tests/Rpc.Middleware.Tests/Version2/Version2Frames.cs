using System.Buffers;
using System.Text;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Frames of version 2 as a client sends them.</summary>
internal static class Version2Frames
{
    private static readonly RpcFrameLimits Limits = new() { MaxBodyLength = 64 * 1024 * 1024, MaxProtocolDataLength = 1024 * 1024 };

    /// <summary>Hello of a text, with its method named.</summary>
    public static byte[] Hello(uint id, string text = "world", RpcCallHeader header = default, string name = Golden.Name, int index = 0) =>
        Request(id, header.Flags == RpcCallBits.None ? WithEnd(header) : header, new HelloRequest { Msg = text }.ToByteArray(), name, index);

    /// <summary>Hello of a text, by the index of a method that was defined before.</summary>
    public static byte[] HelloByIndex(uint id, int index, string text = "world", TimeSpan? timeout = null) => Write(
        RpcFrameType.Request, id, new RpcMethodReference(index), new RpcCallHeader { Flags = RpcCallBits.End, Timeout = timeout }, new HelloRequest { Msg = text }.ToByteArray());

    public static byte[] Request(uint id, RpcCallHeader header, byte[] body, string name = Golden.Name, int index = 0) =>
        Write(RpcFrameType.Request, id, new RpcMethodReference(index, Encoding.UTF8.GetBytes(name)), header, body);

    public static byte[] Data(uint id, RpcCallBits flags, byte[] body, long messageLength = 0) =>
        Write(RpcFrameType.Data, id, default, new RpcCallHeader { Flags = flags, MessageLength = messageLength }, body);

    public static byte[] Credit(uint id, int bytes) => Write(output => RpcControlFrame.WriteCredit(output, id, bytes));

    public static byte[] Cancel(uint id) => Write(output => RpcControlFrame.WriteCancel(output, id));

    public static byte[] Ping(ulong opaque) => Write(output => RpcControlFrame.WritePing(output, opaque));

    public static byte[] Settings(RpcSettings settings) => Write(settings.Write);

    /// <summary>A request cut into pieces of a length: REQUEST, DATA, ..., DATA(END).</summary>
    public static List<byte[]> Cut(uint id, byte[] message, int pieceLength, string name = Golden.Name)
    {
        byte[][] pieces = [.. message.Chunk(pieceLength)];
        List<byte[]> frames = [Request(id, new RpcCallHeader { Flags = RpcCallBits.More, MessageLength = message.Length }, pieces[0], name)];
        for (int i = 1; i < pieces.Length; i++)
        {
            frames.Add(Data(id, i == pieces.Length - 1 ? RpcCallBits.End : RpcCallBits.More, pieces[i]));
        }

        return frames;
    }

    /// <summary>A frame whose 16 bytes and header are whatever a test wants.</summary>
    public static byte[] Raw(byte type, uint id, byte[] header, byte[] body) =>
        [.. Golden.Header(version: 2, type, id, (uint)header.Length, (uint)body.Length), .. header, .. body];

    private static RpcCallHeader WithEnd(RpcCallHeader header) => new()
    {
        Flags = RpcCallBits.End,
        Timeout = header.Timeout,
        Metadata = header.Metadata,
    };

    private static byte[] Write(RpcFrameType type, uint id, RpcMethodReference method, RpcCallHeader header, byte[] body)
    {
        ArrayBufferWriter<byte> output = new();
        RpcCallFrameWriter.Write(output, type, id, method, header, new ReadOnlySequence<byte>(body), Limits);
        return output.WrittenSpan.ToArray();
    }

    private static byte[] Write(Func<IBufferWriter<byte>, int> write)
    {
        ArrayBufferWriter<byte> output = new();
        write(output);
        return output.WrittenSpan.ToArray();
    }
}
