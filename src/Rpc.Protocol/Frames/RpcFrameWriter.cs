using System.Buffers;
using Google.Protobuf;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// Writes frames. Stateless and free of allocation. A frame is written whole or not at all: the output is advanced once, at
/// the end, so an error leaves nothing half-written on a connection.
/// </summary>
public static class RpcFrameWriter
{
    /// <summary>Writes a frame from bytes.</summary>
    /// <param name="output">Where it goes. Not flushed.</param>
    /// <param name="type">Request or response.</param>
    /// <param name="sequenceId">The sequence id.</param>
    /// <param name="protocolData">The protocol data.</param>
    /// <param name="body">The body.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(
        IBufferWriter<byte> output,
        RpcFrameType type,
        uint sequenceId,
        ReadOnlySpan<byte> protocolData,
        ReadOnlySpan<byte> body)
    {
        ArgumentNullException.ThrowIfNull(output);
        int length = FrameLength(protocolData.Length, body.Length);
        Write(output.GetSpan(length), type, sequenceId, protocolData, body);
        output.Advance(length);
        return length;
    }

    /// <summary>Writes a frame from bytes into a span.</summary>
    /// <param name="destination">Where it goes: at least 16 bytes and the two parts.</param>
    /// <param name="type">Request or response.</param>
    /// <param name="sequenceId">The sequence id.</param>
    /// <param name="protocolData">The protocol data.</param>
    /// <param name="body">The body.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">The span is too short.</exception>
    public static int Write(
        Span<byte> destination,
        RpcFrameType type,
        uint sequenceId,
        ReadOnlySpan<byte> protocolData,
        ReadOnlySpan<byte> body)
    {
        int length = FrameLength(protocolData.Length, body.Length);
        if (destination.Length < length)
        {
            throw new ArgumentException($"The frame needs {length} bytes.", nameof(destination));
        }

        new RpcFrameHeader(RpcFrameHeader.Version1, type, sequenceId, (uint)protocolData.Length, (uint)body.Length).Write(destination);
        protocolData.CopyTo(destination[RpcFrameHeader.Size..]);
        body.CopyTo(destination[(RpcFrameHeader.Size + protocolData.Length)..]);
        return length;
    }

    /// <summary>
    /// Writes a frame whose body is a message, serialised straight into the memory of the output. The message must not be
    /// changed by anyone meanwhile.
    /// </summary>
    /// <param name="output">Where it goes. Not flushed.</param>
    /// <param name="type">Request or response.</param>
    /// <param name="sequenceId">The sequence id.</param>
    /// <param name="protocolData">The protocol data.</param>
    /// <param name="message">The message.</param>
    /// <param name="limits">The longest frame that may be sent.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="RpcException">
    /// <see cref="RpcErrorCode.Serialization"/>: the message cannot be serialised. <see cref="RpcErrorCode.Encoding"/>: the
    /// frame would be over a limit. Nothing was written.
    /// </exception>
    public static int WriteMessage(
        IBufferWriter<byte> output,
        RpcFrameType type,
        uint sequenceId,
        ReadOnlySpan<byte> protocolData,
        IMessage message,
        RpcFrameLimits limits)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(limits);
        return WriteMessage(output, type, sequenceId, protocolData, message, RpcMessageFormat.AnyMessage, limits);
    }

    /// <summary>The same for a message of any format.</summary>
    internal static int WriteMessage(
        IBufferWriter<byte> output,
        RpcFrameType type,
        uint sequenceId,
        ReadOnlySpan<byte> protocolData,
        object? message,
        RpcMessageFormat format,
        RpcFrameLimits limits)
    {
        int bodyLength = format.Measure(message);
        if (protocolData.Length > limits.MaxProtocolDataLength)
        {
            throw new RpcException(RpcErrorCode.Encoding, $"Protocol data of {protocolData.Length} bytes is over the limit of {limits.MaxProtocolDataLength}.");
        }

        if (bodyLength > limits.MaxBodyLength)
        {
            throw new RpcException(RpcErrorCode.Encoding, $"A body of {bodyLength} bytes is over the limit of {limits.MaxBodyLength}.");
        }

        // Both are at most RpcFrameLimits.Largest, so this cannot overflow.
        int bodyOffset = RpcFrameHeader.Size + protocolData.Length;
        int length = bodyOffset + bodyLength;
        Span<byte> span = output.GetSpan(length);
        new RpcFrameHeader(RpcFrameHeader.Version1, type, sequenceId, (uint)protocolData.Length, (uint)bodyLength).Write(span);
        protocolData.CopyTo(span[RpcFrameHeader.Size..]);
        format.Write(message!, span.Slice(bodyOffset, bodyLength));
        output.Advance(length);
        return length;
    }

    private static int FrameLength(int protocolDataLength, int bodyLength) =>
        checked(RpcFrameHeader.Size + protocolDataLength + bodyLength);
}
