using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The class of a service and its methods, for their attributes: a method's own, those of what it overrides or implements, and the class's. None is
/// left out, wherever it stands: it may demand authorization.
/// </summary>
internal sealed class RpcServiceClass([DynamicallyAccessedMembers(RpcServiceClass.Members)] Type type)
{
    public const DynamicallyAccessedMemberTypes Members = DynamicallyAccessedMemberTypes.PublicConstructors
        | DynamicallyAccessedMemberTypes.PublicMethods
        | DynamicallyAccessedMemberTypes.NonPublicMethods
        | DynamicallyAccessedMemberTypes.Interfaces;

    /// <summary>Of the base class or interface that declares a method.</summary>
    public const DynamicallyAccessedMemberTypes DeclaredMembers = DynamicallyAccessedMemberTypes.PublicMethods
        | DynamicallyAccessedMemberTypes.NonPublicMethods;

    public Type Type => type;

    /// <summary>The method that runs for a method that a base class or an interface declares.</summary>
    /// <exception cref="InvalidOperationException">There is none, or it is not clear which.</exception>
    public RpcHandlerMethod Find([DynamicallyAccessedMembers(DeclaredMembers)] Type declaring, string name, Type request)
    {
        if (!declaring.IsAssignableFrom(type))
        {
            throw new InvalidOperationException($"'{type}' is no '{declaring}', whose method '{name}' is bound to an RPC method.");
        }

        MethodInfo[] named = [.. declaring.GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Where(method => method.Name == name)];
        MethodInfo declared = Only(named) ?? Only([.. named.Where(method => method.GetParameters().Any(parameter => Takes(parameter.ParameterType, request)))])
            ?? throw new InvalidOperationException($"'{declaring}' has {named.Length} methods '{name}', so it is not clear which one is bound to an RPC method.");
        MethodInfo implementing = declaring.IsInterface ? Implementation(declaring, declared) : Override(declared);
        List<object> attributes = [];
        AddType(attributes, declaring);

        // A contract may inherit the method from another interface: what stands on the contract holds for it, too. A class does not inherit attributes of interfaces.
        foreach (Type contract in type.GetInterfaces().Where(item => item != declaring && declaring.IsAssignableFrom(item)))
        {
            AddType(attributes, contract);
        }

        if (type != declaring)
        {
            AddType(attributes, type);
        }

        attributes.AddRange(declared.GetCustomAttributes());
        if (implementing != declared)
        {
            attributes.AddRange(implementing.GetCustomAttributes());
        }

        return new RpcHandlerMethod(implementing, Distinct(attributes));
    }

    private static MethodInfo? Only(MethodInfo[] methods) => methods.Length == 1 ? methods[0] : null;

    private static bool Takes(Type parameter, Type request) =>
        parameter == request || (parameter.IsConstructedGenericType && parameter.GenericTypeArguments[0] == request);

    private static void AddType(List<object> attributes, Type from) => attributes.AddRange(from.GetCustomAttributes());

    // What a class inherits is found with it and with its base. The last of equal ones stays: it is the closest.
    private static List<object> Distinct(List<object> attributes) => [.. attributes.AsEnumerable().Reverse().Distinct().Reverse()];

    private MethodInfo Override(MethodInfo declared)
    {
        MethodInfo definition = declared.GetBaseDefinition();
        return type.GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .FirstOrDefault(method => method.GetBaseDefinition() == definition) ?? declared;
    }

    private MethodInfo Implementation([DynamicallyAccessedMembers(DeclaredMembers)] Type declaring, MethodInfo declared)
    {
        InterfaceMapping map = type.GetInterfaceMap(declaring);
        int index = Array.IndexOf(map.InterfaceMethods, declared);
        return index < 0 ? declared : map.TargetMethods[index];
    }
}
