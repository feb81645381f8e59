using Microsoft.CodeAnalysis;

namespace Kestrel.Rpc.Analyzers;

/// <summary>Makes description, binding and client of each interface with <c>[RpcService]</c>.</summary>
[Generator(LanguageNames.CSharp)]
internal sealed class ContractGenerator : IIncrementalGenerator
{
    public const string ContractsStep = "Contracts";

    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<RpcContract> contracts = context.SyntaxProvider
            .ForAttributeWithMetadataName(
                KnownNames.ServiceAttribute,
                (_, _) => true,
                (found, cancellationToken) => new ContractReader((INamedTypeSymbol)found.TargetSymbol, found.SemanticModel.Compilation, cancellationToken).Read())
            .Where(contract => contract is not null)
            .Select((contract, _) => contract!)
            .WithTrackingName(ContractsStep);
        context.RegisterSourceOutput(
            contracts, (output, contract) => output.AddSource($"{contract.UniqueName}.RpcService.g.cs", ContractWriter.Write(contract)));
    }
}
