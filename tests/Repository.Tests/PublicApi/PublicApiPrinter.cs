using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>Writes what users of an assembly can see, one line a member, in a stable order.</summary>
internal sealed class PublicApiPrinter
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private readonly NullabilityInfoContext _nullability = new();
    private readonly StringBuilder _text = new();

    public static string Print(Assembly assembly)
    {
        PublicApiPrinter printer = new();
        foreach (Type type in assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            printer.Type(type);
        }

        return printer._text.ToString();
    }

    private void Type(Type type)
    {
        if (_text.Length > 0)
        {
            _text.Append('\n');
        }

        _text.Append(CultureInfo.InvariantCulture, $"{type.Namespace}: {Kind(type)} {TypeNames.Declared(type)}{Bases(type)}\n");
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            _text.Append("    ").Append(Method(type.GetMethod("Invoke")!)).Append('\n');
            return;
        }

        IEnumerable<string> lines = type.IsEnum
            ? Enum.GetNames(type).Select(name => $"{name} = {Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture)}")
            : Members(type).Order(StringComparer.Ordinal);
        foreach (string line in lines)
        {
            _text.Append("    ").Append(line).Append('\n');
        }
    }

    private IEnumerable<string> Members(Type type)
    {
        foreach (FieldInfo field in type.GetFields(Declared).Where(field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly))
        {
            string kind = field.IsLiteral ? "const " : field.IsStatic ? "static " : "";
            string readOnly = field.IsInitOnly ? "readonly " : "";
            string value = field.IsLiteral ? " = " + Literal(field.GetRawConstantValue()) : "";
            yield return $"{kind}{readOnly}{TypeNames.Of(field.FieldType, _nullability.Create(field))} {field.Name}{value}";
        }

        foreach (ConstructorInfo constructor in type.GetConstructors(Declared).Where(IsVisible))
        {
            yield return $"{Access(constructor)}{type.Name.Split('`')[0]}({Parameters(constructor)})";
        }

        foreach (PropertyInfo property in type.GetProperties(Declared))
        {
            MethodInfo[] accessors = [.. new[] { property.GetMethod, property.SetMethod }.OfType<MethodInfo>().Where(IsVisible)];
            if (accessors.Length > 0)
            {
                string index = accessors[0].GetParameters() is { Length: > 0 } && property.GetIndexParameters().Length > 0
                    ? "[" + string.Join(", ", property.GetIndexParameters().Select(Parameter)) + "]"
                    : "";
                string required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
                yield return $"{Modifiers(accessors[0])}{required}{TypeNames.Of(property.PropertyType, _nullability.Create(property))} "
                    + $"{property.Name}{index} {{ {string.Join(' ', accessors.Select(Accessor))} }}";
            }
        }

        foreach (EventInfo @event in type.GetEvents(Declared).Where(@event => IsVisible(@event.AddMethod!)))
        {
            yield return $"{Modifiers(@event.AddMethod!)}event {TypeNames.Of(@event.EventHandlerType!)} {@event.Name}";
        }

        foreach (MethodInfo method in type.GetMethods(Declared).Where(IsVisible))
        {
            bool accessor = method.IsSpecialName && !method.Name.StartsWith("op_", StringComparison.Ordinal);
            if (!accessor && !method.IsDefined(typeof(CompilerGeneratedAttribute)))
            {
                yield return Modifiers(method) + Method(method);
            }
        }
    }

    private string Method(MethodInfo method)
    {
        string generic = method.IsGenericMethodDefinition
            ? "<" + string.Join(", ", method.GetGenericArguments().Select(argument => argument.Name)) + ">"
            : "";
        string constraints = method.IsGenericMethodDefinition
            ? string.Concat(method.GetGenericArguments().Select(Constraints))
            : "";
        return $"{TypeNames.Of(method.ReturnType, _nullability.Create(method.ReturnParameter))} "
            + $"{method.Name}{generic}({Parameters(method)}){constraints}";
    }

    private string Parameters(MethodBase method) =>
        (method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "") + string.Join(", ", method.GetParameters().Select(Parameter));

    private string Parameter(ParameterInfo parameter)
    {
        string direction = parameter.IsOut ? "out " : parameter.IsIn ? "in " : parameter.ParameterType.IsByRef ? "ref " : "";
        string many = parameter.IsDefined(typeof(ParamArrayAttribute)) ? "params " : "";
        string value = parameter.HasDefaultValue ? " = " + Default(parameter) : "";
        return $"{many}{direction}{TypeNames.Of(parameter.ParameterType, _nullability.Create(parameter))} {parameter.Name}{value}";
    }

    private static string Default(ParameterInfo parameter) =>
        parameter.RawDefaultValue is null && parameter.ParameterType.IsValueType && Nullable.GetUnderlyingType(parameter.ParameterType) is null
            ? "default"
            : Literal(parameter.RawDefaultValue);

    private static string Literal(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Accessor(MethodInfo accessor)
    {
        bool init = accessor.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));
        string kind = init ? "init" : accessor.Name[..3];
        return $"{(accessor.IsPublic ? "" : "protected ")}{kind};";
    }

    private static string Kind(Type type) => type switch
    {
        { IsEnum: true } => "enum",
        { IsInterface: true } => "interface",
        { IsValueType: true } => type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly struct" : "struct",
        _ when typeof(Delegate).IsAssignableFrom(type) => "delegate",
        { IsAbstract: true, IsSealed: true } => "static class",
        { IsAbstract: true } => "abstract class",
        { IsSealed: true } => "sealed class",
        _ => "class",
    };

    private static string Bases(Type type)
    {
        bool isPlain = type.IsEnum || typeof(Delegate).IsAssignableFrom(type);
        IEnumerable<Type> inherited = !isPlain && type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) ? [parent] : [];
        IEnumerable<Type> interfaces = type.GetInterfaces().Where(face => face.IsVisible && !isPlain).OrderBy(TypeName, StringComparer.Ordinal);
        string[] names = [.. inherited.Concat(interfaces).Select(TypeName)];
        return (names.Length == 0 ? "" : " : " + string.Join(", ", names))
            + string.Concat(type.GetGenericArguments().Select(Constraints));

        static string TypeName(Type named) => TypeNames.Of(named);
    }

    private static string Constraints(Type parameter)
    {
        GenericParameterAttributes flags = parameter.GenericParameterAttributes;
        bool value = flags.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint);
        List<string> parts = value ? ["struct"] : flags.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint) ? ["class"] : [];
        parts.AddRange(parameter.GetGenericParameterConstraints().Where(type => type != typeof(ValueType)).Select(type => TypeNames.Of(type)));
        if (flags.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint) && !value)
        {
            parts.Add("new()");
        }

        return parts.Count == 0 ? "" : $" where {parameter.Name} : {string.Join(", ", parts)}";
    }

    private static string Modifiers(MethodInfo method)
    {
        if (method.DeclaringType!.IsInterface)
        {
            return method.IsStatic ? "static " : "";
        }

        bool isOverride = method.GetBaseDefinition() != method;
        string kind = method switch
        {
            { IsStatic: true } => "static ",
            { IsAbstract: true } => isOverride ? "abstract override " : "abstract ",
            _ when isOverride => method.IsFinal ? "sealed override " : "override ",
            { IsVirtual: true, IsFinal: false } => "virtual ",
            _ => "",
        };
        return Access(method) + kind;
    }

    private static string Access(MethodBase method) => method.IsPublic ? "" : "protected ";

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;
}
