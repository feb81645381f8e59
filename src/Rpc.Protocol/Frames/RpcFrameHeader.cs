using System.Buffers.Binary;

namespace Kestrel.Rpc.Protocol;

/// <summary>The 16 bytes in front of every frame. All numbers are big-endian; docs/wire-protocol.md is the specification.</summary>
/// <param name="Version">The version of the protocol: <see cref="Version1"/> or <see cref="Version2"/>.</param>
/// <param name="Type">What the frame is. A parsed header may hold a value that the enum does not name.</param>
/// <param name="SequenceId">
/// Ties a reply to its call; chosen by the client, echoed by the server. Version 2 calls it the call id, 0 for the connection.
/// </param>
/// <param name="ProtocolDataLength">Bytes behind the header: of protocol data in version 1, of the frame header in version 2.</param>
/// <param name="BodyLength">Bytes of body behind those.</param>
public readonly record struct RpcFrameHeader(
    byte Version,
    RpcFrameType Type,
    uint SequenceId,
    uint ProtocolDataLength,
    uint BodyLength)
{
    /// <summary>Bytes of a header on the wire.</summary>
    public const int Size = 16;

    /// <summary>The first two bytes of every frame.</summary>
    public const ushort Magic = 0x1234;

    /// <summary>The version byte of protocol version 1.</summary>
    public const byte Version1 = 1;

    /// <summary>The version byte of protocol version 2.</summary>
    public const byte Version2 = 2;

    // offset  0      2        3      4            8                     12           16
    //         magic  version  type   sequence id  protocol-data length  body length
    private const int VersionOffset = 2;
    private const int TypeOffset = 3;
    private const int SequenceIdOffset = 4;
    private const int ProtocolDataLengthOffset = 8;
    private const int BodyLengthOffset = 12;

    /// <summary>Bytes of the whole frame, header included. Never overflows: the lengths are added in 64 bits.</summary>
    public long FrameLength => Size + (long)ProtocolDataLength + BodyLength;

    /// <summary>Reads a header. Judges nothing but the magic; <see cref="RpcFrameReader"/> checks the rest.</summary>
    /// <param name="source">Bytes that start with a header; more may follow.</param>
    /// <param name="header">The header read.</param>
    /// <returns>False if there are fewer than <see cref="Size"/> bytes or the magic is wrong.</returns>
    public static bool TryParse(ReadOnlySpan<byte> source, out RpcFrameHeader header)
    {
        if (source.Length < Size || BinaryPrimitives.ReadUInt16BigEndian(source) != Magic)
        {
            header = default;
            return false;
        }

        header = new RpcFrameHeader(
            source[VersionOffset],
            (RpcFrameType)source[TypeOffset],
            BinaryPrimitives.ReadUInt32BigEndian(source[SequenceIdOffset..]),
            BinaryPrimitives.ReadUInt32BigEndian(source[ProtocolDataLengthOffset..]),
            BinaryPrimitives.ReadUInt32BigEndian(source[BodyLengthOffset..]));
        return true;
    }

    /// <summary>Writes the header into the first <see cref="Size"/> bytes of a span.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    /// <exception cref="ArgumentException">The span is too short.</exception>
    public void Write(Span<byte> destination)
    {
        if (destination.Length < Size)
        {
            throw new ArgumentException($"A frame header needs {Size} bytes.", nameof(destination));
        }

        BinaryPrimitives.WriteUInt16BigEndian(destination, Magic);
        destination[VersionOffset] = Version;
        destination[TypeOffset] = (byte)Type;
        BinaryPrimitives.WriteUInt32BigEndian(destination[SequenceIdOffset..], SequenceId);
        BinaryPrimitives.WriteUInt32BigEndian(destination[ProtocolDataLengthOffset..], ProtocolDataLength);
        BinaryPrimitives.WriteUInt32BigEndian(destination[BodyLengthOffset..], BodyLength);
    }

    /// <summary>Changes the sequence id of a frame that is written already.</summary>
    /// <param name="frame">The frame, from its first byte.</param>
    /// <param name="sequenceId">The sequence id.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no whole header.</exception>
    public static void WriteSequenceId(Span<byte> frame, uint sequenceId)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(frame.Length, Size, nameof(frame));
        BinaryPrimitives.WriteUInt32BigEndian(frame[SequenceIdOffset..], sequenceId);
    }
}
