using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Kestrel.Rpc.Analyzers.Tests;

#pragma warning disable RS1036, RS1038, RS1041, RS2008 // the analyzer below is a stub for this test, which no compiler loads

/// <summary>What the trimming analyzer says of MapRpc is taken back where the call is intercepted, and nowhere else.</summary>
public sealed class SuppressorTests
{
    [Theory]
    [InlineData("""app.MapRpc("a/B", (HelloRequest r) => new HelloReply());""", true)]
    [InlineData("""Delegate handler = (HelloRequest r) => new HelloReply(); app.MapRpc("a/B", handler);""", false)]
    [InlineData("""app.MapRpc("a/B", (HelloRequest r) => { Marked(); return new HelloReply(); });""", true, false)]
    [InlineData("""Marked();""", false)]
    public async Task Warning_OfACall_IsTakenBackIfItIsIntercepted(string code, params bool[] suppressed)
    {
        CSharpCompilation compilation = Driver.Compile([$$"""
            public static class Program
            {
                public static void Marked() { }
                public static void Map(WebApplication app) { {{code}} }
            }
            """]);
        ImmutableArray<Diagnostic> found = await compilation
            .WithAnalyzers([new TrimmingStub(), new MapRpcSuppressor()], new CompilationWithAnalyzersOptions(
                new AnalyzerOptions([]), null, concurrentAnalysis: false, logAnalyzerExecutionTime: false, reportSuppressedDiagnostics: true))
            .GetAnalyzerDiagnosticsAsync(CancellationToken.None)
            .WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(suppressed, found.OrderBy(item => item.Location.SourceSpan.Start).Select(item => item.IsSuppressed));
    }

    /// <summary>Warns of what the real one would: the whole call.</summary>
    [DiagnosticAnalyzer(LanguageNames.CSharp)]
    private sealed class TrimmingStub : DiagnosticAnalyzer
    {
        private static readonly DiagnosticDescriptor Rule = new("IL2026", "t", "m", "Trimming", DiagnosticSeverity.Warning, true);

        public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Rule];

        public override void Initialize(AnalysisContext context)
        {
            context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
            context.EnableConcurrentExecution();
            context.RegisterOperationAction(
                found =>
                {
                    if (((IInvocationOperation)found.Operation).TargetMethod.Name is "MapRpc" or "Marked")
                    {
                        found.ReportDiagnostic(Diagnostic.Create(Rule, found.Operation.Syntax.GetLocation()));
                    }
                },
                OperationKind.Invocation);
        }
    }
}
