namespace Kestrel.Rpc.Protocol;

/// <summary>A service and its methods, as generated code describes it: no reflection. Immutable, so safe to share between threads.</summary>
public sealed class RpcServiceDescription
{
    /// <summary>Describes a service.</summary>
    /// <param name="name">The service as it is called on the wire.</param>
    /// <param name="methods">Its methods. Their names are of this service.</param>
    /// <exception cref="ArgumentException">The name is empty, a method is of another service, or two have the same name.</exception>
    public RpcServiceDescription(string name, params IReadOnlyList<RpcMethod> methods)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(methods);
        HashSet<string> names = [];
        foreach (RpcMethod method in methods)
        {
            if (method.Name.Service != name)
            {
                throw new ArgumentException($"'{method}' is no method of the service '{name}'.", nameof(methods));
            }

            if (!names.Add(method.Name.Method))
            {
                throw new ArgumentException($"The service '{name}' has two methods '{method.Name.Method}'.", nameof(methods));
            }
        }

        Name = name;
        Methods = [.. methods];
    }

    /// <summary>The service as it is called on the wire.</summary>
    public string Name { get; }

    /// <summary>Its methods, in the order of the source.</summary>
    public IReadOnlyList<RpcMethod> Methods { get; }

    /// <summary>The name.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => Name;
}
