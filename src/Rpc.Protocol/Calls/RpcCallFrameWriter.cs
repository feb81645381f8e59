using System.Buffers;
using System.Diagnostics;
using Google.Protobuf;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// Writes the frames of calls of version 2. Stateless and free of allocation; safe to call from any thread. A frame is written whole or not at
/// all: the output is advanced once, at the end. An <see cref="RpcException"/> of a writer means that nothing was written, so a method
/// reference it was given has defined nothing (<see cref="RpcMethodReferences.Defined"/>).
/// </summary>
public static class RpcCallFrameWriter
{
    /// <summary>Bytes in front of the body of the frames that <see cref="WriteResponseStart"/> and the like write for most calls, at most.</summary>
    public const int MaxShortStart = RpcFrameHeader.Size + 4;

    /// <summary>Bytes in front of the body, at most.</summary>
    /// <param name="method">The method; <c>default</c> unless it is a REQUEST.</param>
    /// <param name="header">The frame header.</param>
    /// <returns>The bytes that <see cref="WriteStart"/> needs.</returns>
    public static int GetMaxStartLength(in RpcMethodReference method, in RpcCallHeader header) =>
        checked(RpcFrameHeader.Size + method.MaxLength + header.MaxLength);

    /// <summary>Writes what stands in front of the body: the 16 bytes and the frame header.</summary>
    /// <param name="destination">Where it goes: at least <see cref="GetMaxStartLength"/> bytes.</param>
    /// <param name="type">REQUEST, RESPONSE, HEADERS or DATA.</param>
    /// <param name="callId">The call id, not 0.</param>
    /// <param name="method">The method; <c>default</c> unless it is a REQUEST.</param>
    /// <param name="header">The frame header.</param>
    /// <param name="bodyLength">Bytes of body that the caller puts behind it.</param>
    /// <param name="limits">The longest frame that may be sent.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="RpcException"><see cref="RpcStatusCode.ResourceExhausted"/>: the frame would be over a limit.</exception>
    public static int WriteStart(
        Span<byte> destination,
        RpcFrameType type,
        uint callId,
        in RpcMethodReference method,
        in RpcCallHeader header,
        int bodyLength,
        RpcFrameLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentOutOfRangeException.ThrowIfNegative(bodyLength);
        ArgumentOutOfRangeException.ThrowIfZero(callId);
        if (type is < RpcFrameType.Request or > RpcFrameType.Data || (type == RpcFrameType.Request) != (method.Index != 0 || method.IsNamed))
        {
            throw new ArgumentException($"A frame of type {type} is not of a call, or has no method where it needs one, or one where it cannot.", nameof(type));
        }

        int length = header.Write(destination[RpcFrameHeader.Size..], method);
        if (length > limits.MaxProtocolDataLength)
        {
            throw OverLimit("A frame header", length, limits.MaxProtocolDataLength);
        }

        if (bodyLength > limits.MaxBodyLength)
        {
            throw OverLimit("A body", bodyLength, limits.MaxBodyLength);
        }

        RpcFrameHeader fixedHeader = new(RpcFrameHeader.Version2, type, callId, (uint)length, (uint)bodyLength);
        fixedHeader.Write(destination);
        AssertReadable(fixedHeader, destination.Slice(RpcFrameHeader.Size, length));
        return RpcFrameHeader.Size + length;
    }

    /// <summary>
    /// Writes what stands in front of the body of the commonest REQUEST: one message, a method defined already, no fields.
    /// </summary>
    /// <param name="destination">Where it goes: at least <see cref="MaxShortStart"/> bytes.</param>
    /// <param name="callId">The call id, not 0.</param>
    /// <param name="methodIndex">The index of the method.</param>
    /// <param name="bodyLength">Bytes of body that the caller puts behind it, under the limit.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteRequestStart(Span<byte> destination, uint callId, int methodIndex, int bodyLength)
    {
        destination[RpcFrameHeader.Size] = (byte)RpcCallBits.End;
        int length = 1 + RpcVarint.Write(destination[(RpcFrameHeader.Size + 1)..], (uint)methodIndex << 1);
        new RpcFrameHeader(RpcFrameHeader.Version2, RpcFrameType.Request, callId, (uint)length, (uint)bodyLength).Write(destination);
        return RpcFrameHeader.Size + length;
    }

    /// <summary>Writes what stands in front of the body of the commonest RESPONSE: OK, one message, nothing else.</summary>
    /// <param name="destination">Where it goes: at least <see cref="RpcFrameHeader.Size"/> bytes.</param>
    /// <param name="callId">The call id, not 0.</param>
    /// <param name="bodyLength">Bytes of body that the caller puts behind it, under the limit.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteResponseStart(Span<byte> destination, uint callId, int bodyLength)
    {
        new RpcFrameHeader(RpcFrameHeader.Version2, RpcFrameType.Response, callId, 0, (uint)bodyLength).Write(destination);
        return RpcFrameHeader.Size;
    }

    /// <summary>Writes a frame whose body is bytes.</summary>
    /// <param name="output">Where it goes. Not flushed.</param>
    /// <param name="type">REQUEST, RESPONSE, HEADERS or DATA.</param>
    /// <param name="callId">The call id, not 0.</param>
    /// <param name="method">The method; <c>default</c> unless it is a REQUEST.</param>
    /// <param name="header">The frame header.</param>
    /// <param name="body">The body.</param>
    /// <param name="limits">The longest frame that may be sent.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="RpcException"><see cref="RpcStatusCode.ResourceExhausted"/>: the frame would be over a limit. Nothing was written.</exception>
    public static int Write(
        IBufferWriter<byte> output,
        RpcFrameType type,
        uint callId,
        in RpcMethodReference method,
        in RpcCallHeader header,
        in ReadOnlySequence<byte> body,
        RpcFrameLimits limits)
    {
        ArgumentNullException.ThrowIfNull(output);
        int bodyLength = checked((int)body.Length);
        Span<byte> span = output.GetSpan(checked(GetMaxStartLength(method, header) + bodyLength));
        int length = WriteStart(span, type, callId, method, header, bodyLength, limits);
        body.CopyTo(span[length..]);
        output.Advance(length + bodyLength);
        return length + bodyLength;
    }

    /// <summary>Writes a frame whose body is a message, serialised straight into the memory of the output. Nobody may change the message meanwhile.</summary>
    /// <param name="output">Where it goes. Not flushed.</param>
    /// <param name="type">REQUEST, RESPONSE or DATA.</param>
    /// <param name="callId">The call id, not 0.</param>
    /// <param name="method">The method; <c>default</c> unless it is a REQUEST.</param>
    /// <param name="header">The frame header.</param>
    /// <param name="message">The message, whole.</param>
    /// <param name="limits">The longest frame that may be sent.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="RpcException">
    /// <see cref="RpcErrorCode.Serialization"/>: the message cannot be serialised. <see cref="RpcStatusCode.ResourceExhausted"/>: the frame
    /// would be over a limit. Nothing was written.
    /// </exception>
    public static int WriteMessage(
        IBufferWriter<byte> output,
        RpcFrameType type,
        uint callId,
        in RpcMethodReference method,
        in RpcCallHeader header,
        IMessage message,
        RpcFrameLimits limits)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(limits);
        int bodyLength = RpcMessageCodec.CalculateSize(message);
        if (bodyLength > limits.MaxBodyLength)
        {
            throw OverLimit("A body", bodyLength, limits.MaxBodyLength);
        }

        Span<byte> span = output.GetSpan(checked(GetMaxStartLength(method, header) + bodyLength));
        int length = WriteStart(span, type, callId, method, header, bodyLength, limits);
        RpcMessageCodec.Serialize(message, span.Slice(length, bodyLength));
        output.Advance(length + bodyLength);
        return length + bodyLength;
    }

    [Conditional("DEBUG")]
    private static void AssertReadable(in RpcFrameHeader header, ReadOnlySpan<byte> frameHeader)
    {
        RpcHeaderError error = RpcReceivedHeader.Read(header, frameHeader, out _);
        Debug.Assert(error == RpcHeaderError.None, $"A receiver refuses this {header.Type}: {error}.");
    }

    private static RpcException OverLimit(string what, int length, int limit) =>
        new(RpcStatusCode.ResourceExhausted, $"{what} of {length} bytes is over the limit of {limit}.");
}
