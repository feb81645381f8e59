using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Kestrel.Rpc.Analyzers;

/// <summary>Says what is wrong with interfaces with <c>[RpcService]</c>; the generator leaves those alone.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class ContractAnalyzer : DiagnosticAnalyzer
{
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } =
    [
        RpcDiagnostics.NotPartial, RpcDiagnostics.GenericContract, RpcDiagnostics.HiddenContract, RpcDiagnostics.ServiceName,
        RpcDiagnostics.ContractMethodName, RpcDiagnostics.ContractParameters, RpcDiagnostics.ContractByReference, RpcDiagnostics.GenericMethod,
        RpcDiagnostics.ContractResult, RpcDiagnostics.NoMethod, RpcDiagnostics.WithoutCodec, RpcDiagnostics.NoCodec,
        RpcDiagnostics.DuplicateContractMethod, RpcDiagnostics.OneWay, RpcDiagnostics.MethodName,
    ];

    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterSymbolAction(Analyze, SymbolKind.NamedType);
    }

    private static void Analyze(SymbolAnalysisContext context)
    {
        INamedTypeSymbol type = (INamedTypeSymbol)context.Symbol;
        if (type.TypeKind != TypeKind.Interface || type.FindAttribute(KnownNames.ServiceAttribute) is null)
        {
            return;
        }

        ContractReader reader = new(type, context.Compilation, context.CancellationToken);
        reader.Read();
        foreach (Diagnostic fault in reader.Faults)
        {
            context.ReportDiagnostic(fault);
        }
    }
}
