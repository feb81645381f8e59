using System.Buffers;
using System.Text.Json;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.WebUtilities;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Errors as problem details (RFC 9457): <c>title</c>, <c>status</c>, <c>detail</c>, and of RPC <c>code</c>, <c>details</c> (base64) and <c>trailers</c>.
/// </summary>
internal static class RpcHttpProblem
{
    public const string ContentType = "application/problem+json";

    public static void Write(RpcFault fault, int httpStatus, RpcMetadata? trailers, IBufferWriter<byte> output)
    {
        using Utf8JsonWriter writer = new(output);
        RpcStatus status = fault.Status;
        writer.WriteStartObject();
        if (ReasonPhrases.GetReasonPhrase(httpStatus) is { Length: > 0 } title)
        {
            writer.WriteString("title"u8, title);
        }

        writer.WriteNumber("status"u8, httpStatus);
        writer.WriteString("detail"u8, status.Message);
        writer.WriteString("code"u8, RpcMethodTags.NameOf(status.Code));
        if (!status.Details.IsEmpty)
        {
            writer.WriteBase64String("details"u8, status.Details.Span);
        }

        WriteTrailers(writer, fault.Trailers is { Count: > 0 } its ? its : trailers);
        writer.WriteEndObject();
    }

    /// <summary>Writes metadata as a member with a list of values for each key; nothing if there is none.</summary>
    public static void WriteTrailers(Utf8JsonWriter writer, RpcMetadata? trailers)
    {
        if (trailers is not { Count: > 0 })
        {
            return;
        }

        writer.WriteStartObject("trailers"u8);
        foreach (IGrouping<string, RpcMetadataEntry> key in trailers.GroupBy(entry => entry.Key, StringComparer.Ordinal))
        {
            writer.WriteStartArray(key.Key);
            foreach (RpcMetadataEntry entry in key)
            {
                writer.WriteStringValue(entry.IsBinary ? RpcHttpHeaders.Text(entry) : entry.Value);
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }
}
