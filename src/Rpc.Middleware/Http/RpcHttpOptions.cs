using Google.Protobuf;

namespace Kestrel.Rpc.Middleware;

/// <summary>How protobuf messages are written in JSON over HTTP. Read once, when the routes are mapped.</summary>
public sealed class RpcHttpOptions
{
    /// <summary>
    /// How replies are written. Default: protobuf's own mapping, names in lowerCamelCase, enums by name, fields with default values left out.
    /// A type registry is needed for messages with <c>google.protobuf.Any</c>.
    /// </summary>
    public JsonFormatter.Settings Formatting { get; set; } = JsonFormatter.Settings.Default;

    /// <summary>
    /// How requests are read. Default: protobuf's own mapping; a field that the message does not have is refused, nesting is bounded at 100.
    /// A type registry is needed for messages with <c>google.protobuf.Any</c>.
    /// </summary>
    public JsonParser.Settings Parsing { get; set; } = JsonParser.Settings.Default;
}
