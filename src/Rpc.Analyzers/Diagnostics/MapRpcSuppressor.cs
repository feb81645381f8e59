using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace Kestrel.Rpc.Analyzers;

/// <summary>
/// Takes back what the trimming and AOT analyzers say of <c>MapRpc(name, delegate)</c> where the call is intercepted: they see the method that is written
/// there, and not the one that is called.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class MapRpcSuppressor : DiagnosticSuppressor
{
    private const string Reason = "The handler is bound at compile time.";

    private static readonly SuppressionDescriptor Trimming = new("KRPCS01", "IL2026", Reason);
    private static readonly SuppressionDescriptor DynamicCode = new("KRPCS02", "IL3050", Reason);

    public override ImmutableArray<SuppressionDescriptor> SupportedSuppressions { get; } = [Trimming, DynamicCode];

    public override void ReportSuppressions(SuppressionAnalysisContext context)
    {
        foreach (Diagnostic diagnostic in context.ReportedDiagnostics)
        {
            if (diagnostic.Location.SourceTree is { } tree
                && MapRpcGenerator.AcceptsInterceptors(tree.Options)
                && FindCall(tree, diagnostic.Location.SourceSpan, context.CancellationToken) is { } node
                && MapRpcCall.Find(context.GetSemanticModel(tree).GetOperation(node, context.CancellationToken)) is { } call
                && MapRpcGenerator.ReadHandler(call, context.Compilation) is not null)
            {
                context.ReportSuppression(Suppression.Create(diagnostic.Id == Trimming.SuppressedDiagnosticId ? Trimming : DynamicCode, diagnostic));
            }
        }
    }

    // The call that is warned of, not one around it: what its handler does is no concern of ours.
    private static InvocationExpressionSyntax? FindCall(SyntaxTree tree, TextSpan span, CancellationToken cancellationToken) => tree.GetRoot(cancellationToken)
        .FindNode(span, getInnermostNodeForTie: true)
        .AncestorsAndSelf()
        .OfType<InvocationExpressionSyntax>()
        .FirstOrDefault(node => MapRpcCall.MayBe(node) && (node.Span == span || node.Expression.Span.Contains(span)));
}
