using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Kestrel.Rpc.Middleware;

/// <summary>Which formats a caller sends and wants: RFC 9110, sections 8.3 and 12.5.1.</summary>
internal static class RpcHttpNegotiation
{
    /// <summary>Whether the body is in a format that the method takes.</summary>
    /// <param name="method">The method.</param>
    /// <param name="request">The request. One without a <c>Content-Type</c> is not taken: browsers send such to other sites without asking.</param>
    /// <param name="isJson">Whether it is JSON; else it is protobuf.</param>
    public static bool TryReadContentType(RpcHttpMethod method, HttpRequest request, out bool isJson)
    {
        isJson = false;
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type)
            || (type.Charset.HasValue && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) && !type.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase))
            || !IsPlain(request.Headers.ContentEncoding))
        {
            return false;
        }

        isJson = type.MediaType.Equals(RpcHttpMediaType.JsonName, StringComparison.OrdinalIgnoreCase)
            || (type.Type.Equals("application", StringComparison.OrdinalIgnoreCase) && type.Suffix.Equals("json", StringComparison.OrdinalIgnoreCase));
        return isJson
            || (method.RequestKind == RpcMessageKind.Protobuf
                && RpcHttpMediaType.ProtobufNames.Any(name => type.MediaType.Equals(name, StringComparison.OrdinalIgnoreCase)));
    }

    /// <summary>What replies of a method may be, the first choice first.</summary>
    public static IReadOnlyList<RpcHttpMediaType> Offer(RpcHttpMethod method, bool prefersJson)
    {
        if (method.Endpoint.HasReplyStream)
        {
            return RpcHttpMediaType.Streams;
        }

        if (method.ReplyKind == RpcMessageKind.Json)
        {
            return [RpcHttpMediaType.Json];
        }

        return prefersJson ? [RpcHttpMediaType.Json, .. RpcHttpMediaType.Protobuf] : [.. RpcHttpMediaType.Protobuf, RpcHttpMediaType.Json];
    }

    /// <summary>Chooses what the caller likes best; of what it likes the same, the first.</summary>
    /// <param name="offered">What there is.</param>
    /// <param name="accept">The header <c>Accept</c>; without one the caller takes anything.</param>
    /// <returns>Null if it wants none of them.</returns>
    public static RpcHttpMediaType? Choose(IReadOnlyList<RpcHttpMediaType> offered, StringValues accept)
    {
        if (!MediaTypeHeaderValue.TryParseList(accept, out IList<MediaTypeHeaderValue>? wanted) || wanted.Count == 0)
        {
            return offered[0];
        }

        RpcHttpMediaType? best = null;
        double most = 0;
        foreach (RpcHttpMediaType type in offered)
        {
            double quality = QualityOf(type, wanted);
            if (quality > most)
            {
                best = type;
                most = quality;
            }
        }

        return best;
    }

    // The most exact of the ranges that cover it counts.
    private static double QualityOf(RpcHttpMediaType type, IList<MediaTypeHeaderValue> wanted)
    {
        int exactness = -1;
        double quality = 0;
        foreach (MediaTypeHeaderValue range in wanted)
        {
            int match = range.MatchesAllTypes ? 0
                : range.MatchesAllSubTypes ? (type.Name.StartsWith($"{range.Type}/", StringComparison.OrdinalIgnoreCase) ? 1 : -1)
                : range.MediaType.Equals(type.Name, StringComparison.OrdinalIgnoreCase) ? 2
                : -1;
            if (match > exactness)
            {
                exactness = match;
                quality = range.Quality ?? 1;
            }
        }

        return quality;
    }

    private static bool IsPlain(StringValues encoding) =>
        StringValues.IsNullOrEmpty(encoding) || string.Equals(encoding.ToString(), "identity", StringComparison.OrdinalIgnoreCase);
}
