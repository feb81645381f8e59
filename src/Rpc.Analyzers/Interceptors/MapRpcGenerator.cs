using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Kestrel.Rpc.Analyzers;

/// <summary>
/// Binds the handlers of <c>MapRpc(name, delegate)</c> at compile time: the calls are intercepted and go to generated code without reflection.
/// What it cannot see (a handler in a variable, types that generated code cannot name) stays with the binder at run time.
/// </summary>
[Generator(LanguageNames.CSharp)]
internal sealed class MapRpcGenerator : IIncrementalGenerator
{
    public const string CallsStep = "MapRpcCalls";

    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        // Without the property of build/Kestrel.Rpc.Analyzers.targets the compiler would refuse what is generated.
        IncrementalValueProvider<bool> isOn = context.ParseOptionsProvider.Select((options, _) => AcceptsInterceptors(options));
        IncrementalValuesProvider<InterceptedCall> calls = context.SyntaxProvider
            .CreateSyntaxProvider((node, _) => MapRpcCall.MayBe(node), Read)
            .Where(call => call is not null)
            .Select((call, _) => call!)
            .WithTrackingName(CallsStep);
        context.RegisterSourceOutput(calls.Collect().Combine(isOn), Write);
    }

    /// <summary>What becomes of a call; null if it stays as it is.</summary>
    public static HandlerShape? ReadHandler(MapRpcCall call, Compilation compilation) =>
        call.TakesAnyDelegate && HandlerMethod.Find(call.Handler) is { } handler ? new HandlerReader(handler, compilation).Read() : null;

    /// <summary>Whether the compiler takes interceptors of ours.</summary>
    public static bool AcceptsInterceptors(ParseOptions options) =>
        options.Features.TryGetValue("InterceptorsNamespaces", out string? namespaces)
        && namespaces.Split(';').Any(item => item.Trim() is "Kestrel" or "Kestrel.Rpc" or KnownNames.GeneratedNamespace);

    private static InterceptedCall? Read(GeneratorSyntaxContext context, CancellationToken cancellationToken)
    {
        InvocationExpressionSyntax node = (InvocationExpressionSyntax)context.Node;
        SemanticModel model = context.SemanticModel;
        if (MapRpcCall.Find(model.GetOperation(node, cancellationToken)) is not { } call
            || ReadHandler(call, model.Compilation) is not { } handler
            || model.GetInterceptableLocation(node, cancellationToken) is not { } location)
        {
            return null;
        }

        string attribute = $"[global::System.Runtime.CompilerServices.InterceptsLocation({location.Version}, {CodeLiterals.Text(location.Data)})]";
        return new InterceptedCall(attribute, location.GetDisplayLocation(), handler);
    }

    private static void Write(SourceProductionContext context, (ImmutableArray<InterceptedCall> Calls, bool IsOn) input)
    {
        if (input.IsOn && input.Calls.Length > 0)
        {
            context.AddSource("MapRpcInterceptors.g.cs", InterceptorWriter.Write(input.Calls));
        }
    }
}
