using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Kestrel.Rpc.Analyzers;

/// <summary>Says what is wrong with calls of <c>MapRpc</c> and its siblings, as far as the compiler can know.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class MapRpcAnalyzer : DiagnosticAnalyzer
{
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } =
    [
        RpcDiagnostics.NoRequest, RpcDiagnostics.TwoRequests, RpcDiagnostics.AbstractRequest, RpcDiagnostics.ByReference, RpcDiagnostics.Unbindable,
        RpcDiagnostics.Result, RpcDiagnostics.AsyncVoid, RpcDiagnostics.TwoWriters, RpcDiagnostics.WriterResult, RpcDiagnostics.MethodName,
        RpcDiagnostics.DuplicateMethod,
    ];

    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterOperationAction(AnalyzeCall, OperationKind.Invocation);
        context.RegisterOperationBlockAction(FindDuplicates);
    }

    private static void AnalyzeCall(OperationAnalysisContext context)
    {
        if (MapRpcCall.Find(context.Operation) is not { } call)
        {
            return;
        }

        if (call.Name.ConstantValue is { HasValue: true, Value: string name } && !IsName(name, call))
        {
            context.ReportDiagnostic(Diagnostic.Create(RpcDiagnostics.MethodName, call.Name.Syntax.GetLocation(), name));
        }

        if (call.TakesAnyDelegate && HandlerMethod.Find(call.Handler) is { } handler)
        {
            HandlerReader reader = new(handler, context.Compilation);
            reader.Read();
            foreach (Diagnostic fault in reader.Faults)
            {
                context.ReportDiagnostic(fault);
            }
        }
    }

    // A group may have the service as its prefix; whether it does is not always to be seen.
    private static bool IsName(string name, MapRpcCall call) =>
        RpcNames.IsWhole(name) || (!Unconverted(call.Endpoints).Type.Is(KnownNames.WebApplication) && RpcNames.IsMethod(name));

    // The same name, mapped on the same variable, by code that runs before: in a block around this one, or in this one.
    private static void FindDuplicates(OperationBlockAnalysisContext context)
    {
        Dictionary<(ISymbol Endpoints, string Name), List<IOperation?>> seen = [];
        IEnumerable<MapRpcCall> calls = context.OperationBlocks
            .SelectMany(block => block.DescendantsAndSelf())
            .Select(MapRpcCall.Find)
            .OfType<MapRpcCall>()
            .OrderBy(call => call.Operation.Syntax.SpanStart + call.Operation.Syntax.Span.Length);
        foreach (MapRpcCall call in calls)
        {
            if (call.Name.ConstantValue is not { HasValue: true, Value: string name } || Variable(call.Endpoints) is not { } endpoints)
            {
                continue;
            }

            if (!seen.TryGetValue((endpoints, name), out List<IOperation?>? blocks))
            {
                seen[(endpoints, name)] = blocks = [];
            }

            if (blocks.Any(block => IsAround(block, call.Operation)))
            {
                context.ReportDiagnostic(Diagnostic.Create(RpcDiagnostics.DuplicateMethod, call.Name.Syntax.GetLocation(), name));
            }

            blocks.Add(Block(call.Operation));
        }
    }

    private static ISymbol? Variable(IOperation endpoints) => Unconverted(endpoints) switch
    {
        ILocalReferenceOperation local => local.Local,
        IParameterReferenceOperation parameter => parameter.Parameter,
        _ => null,
    };

    private static IOperation Unconverted(IOperation operation)
    {
        while (operation is IConversionOperation conversion)
        {
            operation = conversion.Operand;
        }

        return operation;
    }

    // What runs at most once and as a whole: a block, a section of a switch, an arm of a condition.
    private static IOperation? Block(IOperation operation)
    {
        IOperation? part = operation.Parent;
        while (part is not (null or IBlockOperation or ISwitchCaseOperation or ISwitchExpressionArmOperation or IConditionalOperation or IAnonymousFunctionOperation))
        {
            part = part.Parent;
        }

        return part;
    }

    private static bool IsAround(IOperation? block, IOperation operation)
    {
        // Two arms of one condition have it as their part both: they exclude each other.
        for (IOperation? part = operation.Parent; part is not null && block is not IConditionalOperation; part = part.Parent)
        {
            if (part == block)
            {
                return true;
            }
        }

        return false;
    }
}
