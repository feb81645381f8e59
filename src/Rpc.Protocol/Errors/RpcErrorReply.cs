using System.Buffers;
using System.Text.Json;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// How a server says in version 1, which has no error frame, that a call failed: a reply whose protocol data has the further
/// keys <c>error_code</c> and <c>error_message</c>, and whose body is <see cref="Body"/>. Our client reads the keys; the
/// original client ignores them and fails to unmarshal the body, where an empty body would pass for an empty message.
/// </summary>
public static class RpcErrorReply
{
    /// <summary>
    /// The longest message sent, in UTF-16 units; a longer one is cut. With the names bounded too, the protocol data stays
    /// below 10 KiB however much of it is escaped, far below the default of <see cref="RpcFrameLimits"/>.
    /// </summary>
    public const int MaxMessageLength = 1024;

    /// <summary>
    /// The longest name sent, in UTF-16 units. Half a name is another name, so a longer one is left empty: the request that
    /// had it may have filled the whole limit of the protocol data, which its error reply must not exceed.
    /// </summary>
    public const int MaxNameLength = 256;

    /// <summary>
    /// A body that no protobuf message accepts: the tag of field 0 with wire type 7. Field numbers start at 1 and wire types
    /// end at 5, so every implementation refuses it, whether it keeps unknown fields or skips them.
    /// </summary>
    public static ReadOnlySpan<byte> Body => [0x07];

    /// <summary>Writes an error reply. Allocates: this is not the way of a good call.</summary>
    /// <param name="output">Where it goes. Not flushed.</param>
    /// <param name="sequenceId">The sequence id of the call.</param>
    /// <param name="serviceName">The service that was called; empty if that could not be read. Over <see cref="MaxNameLength"/> sent as empty.</param>
    /// <param name="methodName">The method that was called, likewise.</param>
    /// <param name="code">What kind of failure.</param>
    /// <param name="message">One sentence for the caller; cut at <see cref="MaxMessageLength"/>.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(
        IBufferWriter<byte> output,
        uint sequenceId,
        string serviceName,
        string methodName,
        RpcErrorCode code,
        string message)
    {
        ArgumentNullException.ThrowIfNull(serviceName);
        ArgumentNullException.ThrowIfNull(methodName);
        ArgumentNullException.ThrowIfNull(message);
        ArrayBufferWriter<byte> protocolData = new();
        using (Utf8JsonWriter json = new(protocolData, RpcProtocolData.WriterOptions))
        {
            json.WriteStartObject();
            RpcProtocolData.WriteNames(json, NameOrEmpty(serviceName), NameOrEmpty(methodName));
            json.WriteString(RpcProtocolData.ErrorCodeKey, code.ToWireName());
            json.WriteString(RpcProtocolData.ErrorMessageKey, Cut(message));
            json.WriteEndObject();
        }

        return RpcFrameWriter.Write(output, RpcFrameType.Response, sequenceId, protocolData.WrittenSpan, Body);
    }

    private static string NameOrEmpty(string name) => name.Length <= MaxNameLength ? name : "";

    private static ReadOnlySpan<char> Cut(string message)
    {
        if (message.Length <= MaxMessageLength)
        {
            return message;
        }

        // Never between the two halves of a surrogate pair.
        int length = char.IsHighSurrogate(message[MaxMessageLength - 1]) ? MaxMessageLength - 1 : MaxMessageLength;
        return message.AsSpan(0, length);
    }
}
