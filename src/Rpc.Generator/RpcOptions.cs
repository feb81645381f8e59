using Google.Protobuf;
using Google.Protobuf.Reflection;
using Kestrel.Rpc.Protocol.Descriptors;

namespace Kestrel.Rpc.Generator;

/// <summary>The options of include/kestrel/rpc/options.proto, as they stand in a descriptor.</summary>
internal static class RpcOptions
{
    /// <summary>Without it the parser keeps our options as bytes that nobody reads.</summary>
    public static ExtensionRegistry Registry { get; } =
        [OptionsExtensions.ServiceName, OptionsExtensions.MethodName, OptionsExtensions.Oneway, OptionsExtensions.Alias];

    /// <summary>The service's name on the wire; null if the file does not say.</summary>
    public static string? WireName(ServiceDescriptorProto service) =>
        service.Options is { } options && options.HasExtension(OptionsExtensions.ServiceName) ? options.GetExtension(OptionsExtensions.ServiceName) : null;

    /// <summary>The method's name on the wire; null if the file does not say.</summary>
    public static string? WireName(MethodDescriptorProto method) =>
        method.Options is { } options && options.HasExtension(OptionsExtensions.MethodName) ? options.GetExtension(OptionsExtensions.MethodName) : null;

    public static bool IsOneWay(MethodDescriptorProto method) => method.Options?.GetExtension(OptionsExtensions.Oneway) ?? false;

    public static IReadOnlyList<string> Aliases(MethodDescriptorProto method) =>
        method.Options?.GetExtension(OptionsExtensions.Alias) is { } aliases ? [.. aliases] : [];
}
