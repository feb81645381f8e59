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

        // A constant of a nullable type is written as one of the type itself.
        ITypeSymbol own = type is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable ? nullable.TypeArguments[0] : type;
        string? literal = value switch
        {
            double number when double.IsNaN(number) || double.IsInfinity(number) => null,
            float number when float.IsNaN(number) || float.IsInfinity(number) => null,
            decimal => SymbolDisplay.FormatPrimitive(value, quoteStrings: true, useHexadecimalNumbers: false) + "m",
            float => SymbolDisplay.FormatPrimitive(value, quoteStrings: true, useHexadecimalNumbers: false) + "f",
            _ => SymbolDisplay.FormatPrimitive(value, quoteStrings: true, useHexadecimalNumbers: false),
        };
        bool needsCast = value is not (string or bool or char or int)
            || own.SpecialType is not (SpecialType.System_String or SpecialType.System_Boolean or SpecialType.System_Char or SpecialType.System_Int32);
        return literal is not null && needsCast ? $"({own.Name()})({literal})" : literal;
    }

    /// <summary>Text as code.</summary>
    public static string Text(string text) => SymbolDisplay.FormatLiteral(text, quote: true);
}
