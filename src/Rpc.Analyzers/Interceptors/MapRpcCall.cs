using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace Kestrel.Rpc.Analyzers;

/// <summary>A call of <c>MapRpc(name, delegate)</c>, or one of its siblings with typed handlers.</summary>
/// <param name="Operation">The call.</param>
/// <param name="Endpoints">What it is called on.</param>
/// <param name="Name">The argument that names the method.</param>
/// <param name="Handler">The argument that is the handler.</param>
/// <param name="TakesAnyDelegate">Whether it is the one that binds any delegate.</param>
internal sealed record MapRpcCall(IInvocationOperation Operation, IOperation Endpoints, IOperation Name, IOperation Handler, bool TakesAnyDelegate)
{
    /// <summary>Whether the text of a call looks like one; what it means is not known yet.</summary>
    public static bool MayBe(SyntaxNode node) =>
        node is InvocationExpressionSyntax { ArgumentList.Arguments.Count: 2 or 3, Expression: MemberAccessExpressionSyntax { Name.Identifier.ValueText: "MapRpc" } or MemberBindingExpressionSyntax { Name.Identifier.ValueText: "MapRpc" } };

    /// <summary>Null if it is another call.</summary>
    public static MapRpcCall? Find(IOperation? operation)
    {
        if (operation is not IInvocationOperation invocation || !IsMap(invocation.TargetMethod))
        {
            return null;
        }

        IOperation? Argument(int ordinal) => invocation.Arguments.FirstOrDefault(item => item.Parameter?.Ordinal == ordinal)?.Value;
        return Argument(0) is { } endpoints && Argument(1) is { } name && Argument(2) is { } handler
            ? new MapRpcCall(invocation, endpoints, name, handler, invocation.TargetMethod is { Name: "MapRpc", Arity: 0 })
            : null;
    }

    private static bool IsMap(IMethodSymbol method) =>
        method is { IsStatic: true, Parameters.Length: 3 }
        && method.Name.StartsWith("MapRpc", StringComparison.Ordinal)
        && (method.ContainingType.Is(KnownNames.Extensions) || method.ContainingType.Is(KnownNames.StreamExtensions))
        && method.Parameters[1].Type.SpecialType == SpecialType.System_String;
}
