using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// What version 1 says about a call beside its body: one JSON object with the keys <c>service_name</c> and
/// <c>method_name</c>, and in an error reply <c>error_code</c> and <c>error_message</c>. Other keys are ignored.
/// </summary>
/// <param name="ServiceName">The service; null only in a reply that does not name it.</param>
/// <param name="MethodName">The method; null only in a reply that does not name it.</param>
/// <param name="ErrorCode">The name of an <see cref="RpcErrorCode"/> on the wire, or a name we do not know; null in a good reply.</param>
/// <param name="ErrorMessage">What went wrong; may be null in an error reply of another implementation.</param>
public readonly record struct RpcProtocolData(
    string? ServiceName,
    string? MethodName,
    string? ErrorCode = null,
    string? ErrorMessage = null)
{
    // Protocol data is hardly ever longer; nothing is taken from the pool for it.
    private const int StackLimit = 512;

    internal static readonly JsonEncodedText ServiceNameKey = JsonEncodedText.Encode("service_name");
    internal static readonly JsonEncodedText MethodNameKey = JsonEncodedText.Encode("method_name");
    internal static readonly JsonEncodedText ErrorCodeKey = JsonEncodedText.Encode("error_code");
    internal static readonly JsonEncodedText ErrorMessageKey = JsonEncodedText.Encode("error_message");

    // Compact, and escaped no more than JSON demands: the bytes never pass through HTML.
    internal static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads the protocol data of a request: both names must be there.</summary>
    /// <param name="source">The bytes.</param>
    /// <param name="data">What they say.</param>
    /// <param name="error">Why they were refused.</param>
    /// <returns>Whether they were accepted. Never throws, whatever the bytes are.</returns>
    public static bool TryReadRequest(in ReadOnlySequence<byte> source, out RpcProtocolData data, out RpcProtocolDataError error)
    {
        if (!TryReadReply(source, out data, out error))
        {
            return false;
        }

        error = data.ServiceName is null ? RpcProtocolDataError.MissingServiceName
            : data.MethodName is null ? RpcProtocolDataError.MissingMethodName
            : RpcProtocolDataError.None;
        return error == RpcProtocolDataError.None;
    }

    /// <summary>Reads the protocol data of a reply: every key may be missing.</summary>
    /// <param name="source">The bytes.</param>
    /// <param name="data">What they say.</param>
    /// <param name="error">Why they were refused.</param>
    /// <returns>Whether they were accepted. Never throws, whatever the bytes are.</returns>
    public static bool TryReadReply(in ReadOnlySequence<byte> source, out RpcProtocolData data, out RpcProtocolDataError error)
    {
        if (source.IsSingleSegment)
        {
            return TryRead(source.FirstSpan, out data, out error);
        }

        // Gathered first: Utf8JsonReader throws IndexOutOfRangeException for some cut-off literals in many segments, and is
        // slower there than the copy.
        int length = checked((int)source.Length);
        byte[]? rented = length > StackLimit ? ArrayPool<byte>.Shared.Rent(length) : null;
        Span<byte> gathered = rented is null ? stackalloc byte[StackLimit] : rented;
        source.CopyTo(gathered);
        bool accepted = TryRead(gathered[..length], out data, out error);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return accepted;
    }

    /// <summary>Writes the protocol data of a request or a good reply: compact JSON, the service first.</summary>
    /// <param name="output">Where it goes.</param>
    /// <param name="serviceName">The service.</param>
    /// <param name="methodName">The method.</param>
    public static void Write(IBufferWriter<byte> output, string serviceName, string methodName)
    {
        using Utf8JsonWriter json = new(output, WriterOptions);
        json.WriteStartObject();
        WriteNames(json, serviceName, methodName);
        json.WriteEndObject();
    }

    internal static void WriteNames(Utf8JsonWriter json, string serviceName, string methodName)
    {
        json.WriteString(ServiceNameKey, serviceName);
        json.WriteString(MethodNameKey, methodName);
    }

    private static bool TryRead(ReadOnlySpan<byte> source, out RpcProtocolData data, out RpcProtocolDataError error)
    {
        data = default;
        try
        {
            Utf8JsonReader reader = new(source);
            error = Read(ref reader, ref data);
        }
        catch (JsonException)
        {
            // The only way the reader tells of malformed JSON.
            error = RpcProtocolDataError.Malformed;
        }
        catch (InvalidOperationException)
        {
            // The only way it tells of a string that is no text: bytes that are not UTF-8, half of a surrogate pair.
            error = RpcProtocolDataError.Malformed;
        }

        return error == RpcProtocolDataError.None;
    }

    private static RpcProtocolDataError Read(ref Utf8JsonReader reader, ref RpcProtocolData data)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return RpcProtocolDataError.Malformed;
        }

        string? service = null, method = null, code = null, message = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            RpcProtocolDataError error =
                reader.ValueTextEquals(ServiceNameKey.EncodedUtf8Bytes) ? ReadString(ref reader, ref service)
                : reader.ValueTextEquals(MethodNameKey.EncodedUtf8Bytes) ? ReadString(ref reader, ref method)
                : reader.ValueTextEquals(ErrorCodeKey.EncodedUtf8Bytes) ? ReadString(ref reader, ref code)
                : reader.ValueTextEquals(ErrorMessageKey.EncodedUtf8Bytes) ? ReadString(ref reader, ref message)
                : Skip(ref reader);
            if (error != RpcProtocolDataError.None)
            {
                return error;
            }
        }

        // Throws if anything but white space follows the object.
        reader.Read();
        data = new RpcProtocolData(service, method, code, message);
        return RpcProtocolDataError.None;
    }

    private static RpcProtocolDataError ReadString(ref Utf8JsonReader reader, ref string? value)
    {
        reader.Read();
        if (value is not null)
        {
            return RpcProtocolDataError.DuplicateKey;
        }

        if (reader.TokenType != JsonTokenType.String)
        {
            return RpcProtocolDataError.WrongType;
        }

        value = reader.GetString();
        return RpcProtocolDataError.None;
    }

    private static RpcProtocolDataError Skip(ref Utf8JsonReader reader)
    {
        reader.Skip();
        return RpcProtocolDataError.None;
    }
}
