using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Kestrel.Rpc.Generator;

/// <summary>
/// The options of include/kestrel/rpc/options.proto, as they stand in a descriptor. Written by hand: a compiled copy would meet that of
/// Rpc.Protocol in whatever sees both.
/// </summary>
internal static class RpcOptions
{
    public const int ServiceNameField = 51510;
    public const int MethodNameField = 51511;
    public const int OneWayField = 51512;
    public const int AliasField = 51513;

    private static readonly Extension<ServiceOptions, string> ServiceName = new(ServiceNameField, FieldCodec.ForString(Text(ServiceNameField)));
    private static readonly Extension<MethodOptions, string> MethodName = new(MethodNameField, FieldCodec.ForString(Text(MethodNameField)));
    private static readonly Extension<MethodOptions, bool> OneWay =
        new(OneWayField, FieldCodec.ForBool(WireFormat.MakeTag(OneWayField, WireFormat.WireType.Varint)));
    private static readonly RepeatedExtension<MethodOptions, string> Alias = new(AliasField, FieldCodec.ForString(Text(AliasField)));

    /// <summary>Without it the parser keeps our options as bytes that nobody reads.</summary>
    public static ExtensionRegistry Registry { get; } = [ServiceName, MethodName, OneWay, Alias];

    /// <summary>The service's name on the wire; null if the file does not say.</summary>
    public static string? WireName(ServiceDescriptorProto service) =>
        service.Options is { } options && options.HasExtension(ServiceName) ? options.GetExtension(ServiceName) : null;

    /// <summary>The method's name on the wire; null if the file does not say.</summary>
    public static string? WireName(MethodDescriptorProto method) =>
        method.Options is { } options && options.HasExtension(MethodName) ? options.GetExtension(MethodName) : null;

    public static bool IsOneWay(MethodDescriptorProto method) => method.Options?.GetExtension(OneWay) ?? false;

    public static IReadOnlyList<string> Aliases(MethodDescriptorProto method) =>
        method.Options?.GetExtension(Alias) is { } aliases ? [.. aliases] : [];

    private static uint Text(int field) => WireFormat.MakeTag(field, WireFormat.WireType.LengthDelimited);
}
