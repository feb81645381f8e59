using Microsoft.CodeAnalysis;

namespace Kestrel.Rpc.Analyzers;

/// <summary>Questions about symbols, by name: the analyzers reference none of the libraries.</summary>
internal static class SymbolExtensions
{
    private const SymbolDisplayMiscellaneousOptions WithoutNullability =
        SymbolDisplayMiscellaneousOptions.EscapeKeywordIdentifiers | SymbolDisplayMiscellaneousOptions.UseSpecialTypes;

    private static readonly SymbolDisplayFormat Qualified = SymbolDisplayFormat.FullyQualifiedFormat.WithMiscellaneousOptions(WithoutNullability);

    private static readonly SymbolDisplayFormat QualifiedNullable = SymbolDisplayFormat.FullyQualifiedFormat.WithMiscellaneousOptions(
        WithoutNullability | SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier);

    /// <summary>Whether it is this type, or made of this definition.</summary>
    /// <param name="type">The type.</param>
    /// <param name="name">Namespace and name; nested types are none of ours.</param>
    /// <param name="arity">How many type parameters it has.</param>
    public static bool Is(this ITypeSymbol? type, string name, int arity = 0)
    {
        if (type is not INamedTypeSymbol { ContainingType: null } named || named.Arity != arity)
        {
            return false;
        }

        int end = name.Length - named.Name.Length;
        return end > 0
            && name.EndsWith(named.Name, StringComparison.Ordinal)
            && name[end - 1] == '.'
            && named.ContainingNamespace.IsNamed(name, end - 1);
    }

    /// <summary>Whether it is a protobuf message, or the interface of all of them.</summary>
    public static bool IsMessage(this ITypeSymbol type) =>
        type.Is(KnownNames.Message)
        || type.AllInterfaces.Any(item => item.Is(KnownNames.Message))
        || (type is ITypeParameterSymbol parameter && parameter.ConstraintTypes.Any(IsMessage));

    /// <summary>Whether it is a protobuf message that can be created.</summary>
    public static bool IsConcreteMessage(this ITypeSymbol type) =>
        type is INamedTypeSymbol { TypeKind: TypeKind.Class, IsAbstract: false } named
        && named.InstanceConstructors.Any(item => item.Parameters.Length == 0 && item.DeclaredAccessibility == Accessibility.Public)
        && named.AllInterfaces.Any(item => item.Is(KnownNames.Message, 1) && SymbolEqualityComparer.Default.Equals(item.TypeArguments[0], type));

    /// <summary>Whether generated code, in a file of its own, can name the type.</summary>
    public static bool CanBeNamed(this ITypeSymbol type, Compilation compilation) => type switch
    {
        IArrayTypeSymbol array => array.ElementType.CanBeNamed(compilation),
        INamedTypeSymbol { IsFileLocal: false, IsAnonymousType: false, IsUnboundGenericType: false, CanBeReferencedByName: true } or INamedTypeSymbol { IsTupleType: true } =>
            type.TypeKind != TypeKind.Error
            && compilation.IsSymbolAccessibleWithin(type, compilation.Assembly)
            && ((INamedTypeSymbol)type).TypeArguments.All(item => item.CanBeNamed(compilation))
            && (type.ContainingType is null || type.ContainingType.CanBeNamed(compilation)),
        _ => false,
    };

    /// <summary>The type as generated code names it.</summary>
    public static string Name(this ITypeSymbol type, bool nullable = false) => type.ToDisplayString(nullable ? QualifiedNullable : Qualified);

    /// <summary>The attribute, if there is one.</summary>
    public static AttributeData? FindAttribute(this ISymbol symbol, string name) =>
        symbol.GetAttributes().FirstOrDefault(item => item.AttributeClass.Is(name));

    private static bool IsNamed(this INamespaceSymbol space, string name, int length)
    {
        for (INamespaceSymbol? part = space; part is { IsGlobalNamespace: false }; part = part.ContainingNamespace)
        {
            int start = length - part.Name.Length;
            if (start < 0 || string.CompareOrdinal(name, start, part.Name, 0, part.Name.Length) != 0 || (start > 0 && name[start - 1] != '.'))
            {
                return false;
            }

            length = start == 0 ? 0 : start - 1;
        }

        return length == 0;
    }
}
