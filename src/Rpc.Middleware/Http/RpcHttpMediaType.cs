namespace Kestrel.Rpc.Middleware;

/// <summary>A media type that replies may have.</summary>
/// <param name="Name">As it stands in <c>Accept</c>.</param>
/// <param name="ContentType">As it stands in <c>Content-Type</c>.</param>
/// <param name="Format">How replies are written then.</param>
internal sealed record RpcHttpMediaType(string Name, string ContentType, RpcHttpFormat Format)
{
    public const string JsonName = "application/json";
    public const string LinesName = "application/x-ndjson";
    public const string EventsName = "text/event-stream";

    /// <summary>What protobuf is called, as no name is registered for it: the most used first.</summary>
    public static readonly string[] ProtobufNames = ["application/x-protobuf", "application/protobuf", "application/vnd.google.protobuf"];

    public static RpcHttpMediaType Json { get; } = new(JsonName, "application/json; charset=utf-8", RpcHttpFormat.Json);

    public static IReadOnlyList<RpcHttpMediaType> Protobuf { get; } =
        [.. ProtobufNames.Select(name => new RpcHttpMediaType(name, name, RpcHttpFormat.Protobuf))];

    /// <summary>Of a stream of replies.</summary>
    public static IReadOnlyList<RpcHttpMediaType> Streams { get; } =
    [
        new(LinesName, LinesName, RpcHttpFormat.Lines),
        new(EventsName, EventsName, RpcHttpFormat.Events),
    ];
}
