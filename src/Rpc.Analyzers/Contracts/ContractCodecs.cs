using Microsoft.CodeAnalysis;

namespace Kestrel.Rpc.Analyzers;

/// <summary>Finds the codecs of a contract's messages: protobuf's, or those that <c>[RpcCodec]</c> names.</summary>
internal sealed class ContractCodecs(INamedTypeSymbol contract)
{
    private const string Codec = "global::Kestrel.Rpc.Protocol.RpcCodec";

    private readonly INamedTypeSymbol[] _named =
    [
        .. contract.GetAttributes()
            .Where(item => item.AttributeClass.Is(KnownNames.CodecAttribute) && item.ConstructorArguments.Length == 1)
            .Select(item => item.ConstructorArguments[0].Value as INamedTypeSymbol)
            .OfType<INamedTypeSymbol>(),
    ];

    /// <summary>What is named and is no codec.</summary>
    public IEnumerable<Diagnostic> Faults(Location location) => _named
        .Where(item => !IsJson(item) && !(CanBeMade(item) && item.AllInterfaces.Any(face => face.Is(KnownNames.Codec, 1))))
        .Select(item => Diagnostic.Create(RpcDiagnostics.NoCodec, location, item.Name));

    /// <summary>Code that makes the codec of a message; null if there is none.</summary>
    public string? Find(ITypeSymbol message)
    {
        string name = message.Name();
        if (message.IsConcreteMessage())
        {
            return $"{Codec}.Protobuf<{name}>()";
        }

        foreach (INamedTypeSymbol codec in _named)
        {
            if (IsJson(codec) && Knows(codec, message))
            {
                string typeInfo = $"(global::System.Text.Json.Serialization.Metadata.JsonTypeInfo<{name}>){codec.Name()}.Default.GetTypeInfo(typeof({name}))";
                return $"{Codec}.Json<{name}>({typeInfo})";
            }

            if (codec.AllInterfaces.Any(item => item.Is(KnownNames.Codec, 1) && Same(item.TypeArguments[0], message)))
            {
                return $"new {codec.Name()}()";
            }
        }

        return null;
    }

    private static bool IsJson(INamedTypeSymbol type)
    {
        for (INamedTypeSymbol? item = type; item is not null; item = item.BaseType)
        {
            if (item.Is(KnownNames.JsonContext))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Knows(INamedTypeSymbol json, ITypeSymbol message) => json.GetAttributes().Any(
        item => item.AttributeClass.Is(KnownNames.JsonSerializable)
            && item.ConstructorArguments.Length > 0
            && item.ConstructorArguments[0].Value is ITypeSymbol known
            && Same(known, message));

    private static bool CanBeMade(INamedTypeSymbol type) => type is { TypeKind: TypeKind.Class, IsAbstract: false }
        && type.InstanceConstructors.Any(item => item.Parameters.Length == 0 && item.DeclaredAccessibility is Accessibility.Public);

    private static bool Same(ITypeSymbol one, ITypeSymbol other) => SymbolEqualityComparer.Default.Equals(one, other);
}
