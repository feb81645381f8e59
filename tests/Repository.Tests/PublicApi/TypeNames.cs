using System.Reflection;
using System.Text;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>Writes types the way C# source names them.</summary>
internal static class TypeNames
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void", [typeof(object)] = "object", [typeof(string)] = "string", [typeof(bool)] = "bool",
        [typeof(byte)] = "byte", [typeof(sbyte)] = "sbyte", [typeof(short)] = "short", [typeof(ushort)] = "ushort",
        [typeof(int)] = "int", [typeof(uint)] = "uint", [typeof(long)] = "long", [typeof(ulong)] = "ulong",
        [typeof(char)] = "char", [typeof(float)] = "float", [typeof(double)] = "double", [typeof(decimal)] = "decimal",
        [typeof(nint)] = "nint", [typeof(nuint)] = "nuint",
    };

    /// <summary>The name with its type arguments; nullable reference types carry their question mark.</summary>
    public static string Of(Type type, NullabilityInfo? nullability = null)
    {
        string mark = !type.IsValueType && nullability?.ReadState == NullabilityState.Nullable ? "?" : "";
        if (type.IsByRef)
        {
            return Of(type.GetElementType()!, nullability); // the context answers for the referenced type
        }

        if (type.IsPointer)
        {
            return Of(type.GetElementType()!) + "*";
        }

        if (type.IsArray)
        {
            return Of(type.GetElementType()!, nullability?.ElementType) + "[]" + mark;
        }

        if (type.IsGenericParameter)
        {
            return type.Name + mark;
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return Of(underlying) + "?";
        }

        return (Keywords.TryGetValue(type, out string? keyword) ? keyword : Declared(type, nullability)) + mark;
    }

    /// <summary>The name as its declaration has it: outer types first, type parameters or arguments in angle brackets.</summary>
    public static string Declared(Type type, NullabilityInfo? nullability = null)
    {
        Type[] arguments = type.GetGenericArguments();
        StringBuilder name = new();
        int used = 0;
        foreach (Type level in OuterFirst(type))
        {
            string simple = level.Name.Split('`')[0];
            name.Append(name.Length == 0 ? simple : "." + simple);
            int count = level.GetGenericArguments().Length;
            if (count > used)
            {
                name.Append('<').AppendJoin(", ", Enumerable.Range(used, count - used).Select(Argument)).Append('>');
                used = count;
            }
        }

        return name.ToString();

        string Argument(int index) =>
            Of(arguments[index], nullability?.GenericTypeArguments is { } known && index < known.Length ? known[index] : null);
    }

    private static IEnumerable<Type> OuterFirst(Type type) =>
        type.DeclaringType is { } outer && !type.IsGenericParameter ? OuterFirst(outer).Append(type) : [type];
}
