using Microsoft.CodeAnalysis;

namespace Kestrel.Rpc.Analyzers;

/// <summary>Arguments of attributes.</summary>
internal static class AttributeExtensions
{
    /// <summary>A text among the constructor's arguments; null if it is none.</summary>
    public static string? Text(this AttributeData attribute, int index) =>
        index < attribute.ConstructorArguments.Length && attribute.ConstructorArguments[index] is { Kind: TypedConstantKind.Primitive } item
            ? item.Value as string
            : null;

    /// <summary>A named argument; null if it is not given.</summary>
    public static object? Value(this AttributeData? attribute, string name) =>
        attribute?.NamedArguments.FirstOrDefault(item => item.Key == name).Value is { Kind: TypedConstantKind.Primitive } value ? value.Value : null;

    /// <summary>A named argument that is an array of texts; empty if it is not given.</summary>
    public static string[] Texts(this AttributeData? attribute, string name) =>
        attribute?.NamedArguments.FirstOrDefault(item => item.Key == name).Value is { Kind: TypedConstantKind.Array, IsNull: false } value
            ? [.. value.Values.Select(item => item.Value as string ?? "")]
            : [];
}
