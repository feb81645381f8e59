using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Kestrel.Rpc.Analyzers;

/// <summary>Constants as code.</summary>
internal static class CodeLiterals
{
    /// <summary>The argument of an attribute; null if it cannot be written.</summary>
    public static string? Of(TypedConstant constant) => constant switch
    {
        { Kind: TypedConstantKind.Type, Value: ITypeSymbol type } => $"typeof({type.Name()})",
        { Kind: TypedConstantKind.Primitive or TypedConstantKind.Enum, Type: { } type } => Of(constant.Value, type),
        _ => null,
    };

    /// <summary>A constant of a type; null if it cannot be written.</summary>
    public static string? Of(object? value, ITypeSymbol type)
    {
        if (value is null)
        {
            return "default";
        }

        string? literal = value switch
        {
            double number when double.IsNaN(number) || double.IsInfinity(number) => null,
            float number when float.IsNaN(number) || float.IsInfinity(number) => null,
            decimal => SymbolDisplay.FormatPrimitive(value, quoteStrings: true, useHexadecimalNumbers: false) + "m",
            float => SymbolDisplay.FormatPrimitive(value, quoteStrings: true, useHexadecimalNumbers: false) + "f",
            _ => SymbolDisplay.FormatPrimitive(value, quoteStrings: true, useHexadecimalNumbers: false),
        };
        bool needsCast = value is not (string or bool or char or int) || type.TypeKind == TypeKind.Enum;
        return literal is not null && needsCast ? $"({type.Name()})({literal})" : literal;
    }

    /// <summary>Text as code.</summary>
    public static string Text(string text) => SymbolDisplay.FormatLiteral(text, quote: true);
}
