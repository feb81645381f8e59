using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Kestrel.Rpc.Analyzers;

/// <summary>Reads an interface with <c>[RpcService]</c>, and says what is wrong with it. One object for one interface.</summary>
internal sealed class ContractReader(INamedTypeSymbol contract, Compilation compilation, CancellationToken cancellationToken)
{
    private readonly List<Diagnostic> _faults = [];
    private readonly ContractCodecs _codecs = new(contract);

    /// <summary>What is wrong with it, once it was read.</summary>
    public IReadOnlyList<Diagnostic> Faults => _faults;

    /// <summary>The contract; null if something is wrong with it.</summary>
    public RpcContract? Read()
    {
        AttributeData? attribute = contract.FindAttribute(KnownNames.ServiceAttribute);
        string service = attribute?.Text(0) ?? RpcContract.Plain(contract.Name);
        if (!RpcNames.IsService(service))
        {
            Fault(RpcDiagnostics.ServiceName, contract, service);
        }

        CheckDeclaration();
        foreach (Diagnostic fault in _codecs.Faults(At(contract)))
        {
            _faults.Add(fault);
        }

        List<RpcContractMethod> methods = ReadMethods();
        return _faults.Count > 0 ? null : new RpcContract(
            contract.ContainingNamespace is { IsGlobalNamespace: false } space ? space.ToDisplayString() : "",
            new EquatableArray<string>([.. Outer().Reverse().Select(Declaration)]),
            contract.Name,
            contract.DeclaredAccessibility == Accessibility.Public ? "public" : "internal",
            service,
            new EquatableArray<RpcContractMethod>([.. methods]),
            compilation.GetTypeByMetadataName(KnownNames.Service) is not null,
            compilation.GetTypeByMetadataName(KnownNames.Client) is not null);
    }

    private void CheckDeclaration()
    {
        foreach (INamedTypeSymbol type in Outer().Prepend(contract))
        {
            if (type.Arity > 0)
            {
                Fault(RpcDiagnostics.GenericContract, contract, contract.Name);
            }

            if (!IsPartial(type))
            {
                Fault(RpcDiagnostics.NotPartial, type, type.Name, contract.Name);
            }
        }

        if (!compilation.IsSymbolAccessibleWithin(contract, compilation.Assembly) || contract.IsFileLocal)
        {
            Fault(RpcDiagnostics.HiddenContract, contract, contract.Name);
        }
    }

    // What it inherits belongs to it, but for what the generator itself adds.
    private List<RpcContractMethod> ReadMethods()
    {
        List<RpcContractMethod> methods = [];
        Dictionary<string, string> names = [];
        IEnumerable<INamedTypeSymbol> interfaces = contract.AllInterfaces.Where(item => !item.Is(KnownNames.Service)).Reverse().Append(contract);
        foreach (ISymbol member in interfaces.SelectMany(item => item.GetMembers()).Where(IsPartOfContract))
        {
            if (member is not IMethodSymbol { IsStatic: false, IsAbstract: true } method)
            {
                Fault(RpcDiagnostics.NoMethod, member, member.Name, contract.Name);
                continue;
            }

            if (new ContractMethodReader(method, _codecs, compilation, Fault).Read(methods.Count) is not { } read)
            {
                continue;
            }

            if (names.TryGetValue(read.WireName, out string? other))
            {
                Fault(RpcDiagnostics.DuplicateContractMethod, member, member.Name, other, read.WireName);
                continue;
            }

            names.Add(read.WireName, member.Name);
            methods.Add(read);
        }

        return methods;
    }

    private static bool IsPartOfContract(ISymbol member) => member switch
    {
        IMethodSymbol method => method.AssociatedSymbol is null && method.MethodKind == MethodKind.Ordinary && !(method.IsStatic && !method.IsAbstract),
        IPropertySymbol or IEventSymbol => !member.IsStatic || member.IsAbstract,
        _ => false,
    };

    private IEnumerable<INamedTypeSymbol> Outer()
    {
        for (INamedTypeSymbol? type = contract.ContainingType; type is not null; type = type.ContainingType)
        {
            yield return type;
        }
    }

    private bool IsPartial(INamedTypeSymbol type) => type.DeclaringSyntaxReferences.Any(
        item => item.GetSyntax(cancellationToken) is TypeDeclarationSyntax declaration && declaration.Modifiers.Any(word => word.ValueText == "partial"));

    private static string Declaration(INamedTypeSymbol type)
    {
        string kind = type switch
        {
            { IsRecord: true, IsValueType: true } => "record struct",
            { IsRecord: true } => "record",
            { TypeKind: TypeKind.Struct } => "struct",
            { TypeKind: TypeKind.Interface } => "interface",
            _ => "class",
        };
        return $"partial {kind} {type.Name}";
    }

    private void Fault(DiagnosticDescriptor descriptor, ISymbol symbol, params object[] arguments) =>
        _faults.Add(Diagnostic.Create(descriptor, At(symbol), arguments));

    // Members of a base interface in another assembly have no place here.
    private Location At(ISymbol symbol) =>
        symbol.Locations.FirstOrDefault(item => item.IsInSource) ?? contract.Locations.First();
}
