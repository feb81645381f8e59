using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Kestrel.Rpc.Middleware;

/// <summary>Metadata of calls as headers of HTTP, and the deadline. docs/http.md has the table.</summary>
internal static class RpcHttpHeaders
{
    /// <summary>How long the caller waits: digits and a unit, as in gRPC (grpc/grpc, doc/PROTOCOL-HTTP2.md).</summary>
    public const string Timeout = "grpc-timeout";

    /// <summary>In front of the keys of what goes behind a reply.</summary>
    public const string TrailerPrefix = "rpc-trailer-";

    private const int MostTimeoutDigits = 8;

    // What HTTP says of its own messages and connections; nothing of the call. Cookies are for who has set them.
    private static readonly FrozenSet<string> OfHttp = new[]
    {
        "accept", "age", "allow", "alt-svc", "connection", "cache-control", "cookie", "date", "expect", "expires", "etag", "host", "keep-alive", "last-modified",
        "location", "pragma", "range", "server", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "upgrade-insecure-requests", "vary", "www-authenticate",
        Timeout,
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly string[] PrefixesOfHttp = ["accept-", "access-control-", "content-", "if-", "proxy-", "sec-"];

    /// <summary>Whether a header is HTTP's own, so that it is never metadata, in neither direction.</summary>
    public static bool IsOfHttp(string name) =>
        OfHttp.Contains(name) || Array.Exists(PrefixesOfHttp, prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));

    /// <summary>Reads the metadata of a call.</summary>
    /// <exception cref="RpcException">A value cannot be one of metadata.</exception>
    public static RpcMetadata Read(IHeaderDictionary headers)
    {
        RpcMetadata metadata = RpcMetadata.Received(headers.Count);
        foreach ((string name, StringValues values) in headers)
        {
            if (IsOfHttp(name) || !IsKey(name))
            {
                continue;
            }

            foreach (string? value in values)
            {
                metadata.Append(ReadEntry(name, value ?? ""));
            }
        }

        return metadata;
    }

    /// <summary>Writes metadata of a reply. Keys that are HTTP's own are left out.</summary>
    public static void Write(RpcMetadata? metadata, IHeaderDictionary headers, string prefix = "")
    {
        foreach (RpcMetadataEntry entry in metadata ?? RpcMetadata.Empty)
        {
            if (prefix.Length > 0 || !IsOfHttp(entry.Key))
            {
                headers.Append(prefix + entry.Key, Text(entry));
            }
        }
    }

    /// <summary>The value of an entry as it stands in a header or in JSON: text as it is, or percent-encoded if a header could not carry it; bytes in base64.</summary>
    public static string Text(in RpcMetadataEntry entry)
    {
        if (entry.IsBinary)
        {
            return Convert.ToBase64String(entry.ValueBytes.Span);
        }

        ReadOnlySpan<byte> value = entry.ValueBytes.Span;
        if (!value.ContainsAnyExceptInRange((byte)' ', (byte)'~'))
        {
            return entry.Value;
        }

        StringBuilder text = new(value.Length * 2);
        foreach (byte b in value)
        {
            _ = b is >= (byte)' ' and <= (byte)'~' and not (byte)'%'
                ? text.Append((char)b)
                : text.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }

        return text.ToString();
    }

    /// <summary>Reads how long the caller waits.</summary>
    /// <param name="headers">The headers of the request.</param>
    /// <param name="timeout">Null without a limit.</param>
    /// <returns>False if it cannot be read.</returns>
    public static bool TryReadTimeout(IHeaderDictionary headers, out TimeSpan? timeout)
    {
        timeout = null;
        StringValues values = headers[Timeout];
        if (values.Count == 0)
        {
            return true;
        }

        string text = values.ToString();
        if (text.Length is < 2 or > MostTimeoutDigits + 1
            || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long number))
        {
            return false;
        }

        timeout = text[^1] switch
        {
            'H' => TimeSpan.FromHours(number),
            'M' => TimeSpan.FromMinutes(number),
            'S' => TimeSpan.FromSeconds(number),
            'm' => TimeSpan.FromMilliseconds(number),
            'u' => TimeSpan.FromMicroseconds(number),
            'n' => TimeSpan.FromTicks(number / TimeSpan.NanosecondsPerTick),
            _ => null,
        };
        return timeout is not null;
    }

    private static RpcMetadataEntry ReadEntry(string name, string value)
    {
        try
        {
            return name.EndsWith(RpcMetadataEntry.BinarySuffix, StringComparison.OrdinalIgnoreCase)
                ? new RpcMetadataEntry(name, Convert.FromBase64String(value.PadRight((value.Length + 3) / 4 * 4, '=')).AsSpan())
                : new RpcMetadataEntry(name, value);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            throw new RpcException(RpcStatusCode.InvalidArgument, $"The header '{RpcNames.ForLog(name)}' has a value that metadata cannot have.");
        }
    }

    // HTTP allows a few characters more.
    private static bool IsKey(string name) =>
        name.Length is > 0 and <= RpcMetadataEntry.MaxKeyLength && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
