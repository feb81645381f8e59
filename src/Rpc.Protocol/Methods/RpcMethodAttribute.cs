namespace Kestrel.Rpc.Protocol;

/// <summary>Says more about a method of an interface with <see cref="RpcServiceAttribute"/>.</summary>
/// <param name="name">The method as it is called on the wire; null for the C# name without <c>Async</c> at its end.</param>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class RpcMethodAttribute(string? name = null) : Attribute
{
    /// <summary>The method as it is called on the wire; null for the C# name without <c>Async</c> at its end.</summary>
    public string? Name { get; } = name;

    /// <summary>Further names that a server answers to, each of the form <c>service/method</c>. Default none.</summary>
    public string[] Aliases { get; set; } = [];

    /// <summary>
    /// Whether generated clients send the request and wait for no answer. Default false. For methods with one request that return a <see cref="Task"/>
    /// or <see cref="ValueTask"/>, which then ends when the request was handed to the transport.
    /// </summary>
    public bool IsOneWay { get; set; }
}
