using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace Kestrel.Rpc.Analyzers;

/// <summary>The handler of a <c>MapRpc</c> as far as the compiler sees it: a lambda or a method, and the delegate made of it.</summary>
/// <param name="Method">The lambda or the method, whose parameters have attributes and default values.</param>
/// <param name="Invoke">What the delegate takes and returns.</param>
/// <param name="DelegateType">The delegate; a type of the compiler's own if no other fits.</param>
/// <param name="Location">Where it stands.</param>
internal sealed record HandlerMethod(IMethodSymbol Method, IMethodSymbol Invoke, INamedTypeSymbol DelegateType, Location Location)
{
    /// <summary>The parameter of the method that belongs to one of the delegate: an extension method has one more.</summary>
    public IParameterSymbol Declared(int index) => Method.Parameters[Method.Parameters.Length - Invoke.Parameters.Length + index];

    /// <summary>Null if it is something else, such as a variable.</summary>
    public static HandlerMethod? Find(IOperation argument)
    {
        while (argument is IConversionOperation or IParenthesizedOperation)
        {
            argument = argument is IConversionOperation conversion ? conversion.Operand : ((IParenthesizedOperation)argument).Operand;
        }

        if (argument is not IDelegateCreationOperation { Type: INamedTypeSymbol { DelegateInvokeMethod: { } invoke } type } creation)
        {
            return null;
        }

        IMethodSymbol? method = creation.Target switch
        {
            IAnonymousFunctionOperation lambda => lambda.Symbol,
            IMethodReferenceOperation reference => reference.Method,
            _ => null,
        };
        return method is not null && method.Parameters.Length >= invoke.Parameters.Length
            ? new HandlerMethod(method, invoke, type, creation.Syntax.GetLocation())
            : null;
    }
}
