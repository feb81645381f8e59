namespace Kestrel.Rpc.Protocol;

/// <summary>
/// Makes an interface the contract of a service: Kestrel.Rpc.Analyzers generates its description, its binding for servers and a client. The interface
/// must be <c>partial</c>. Each method takes one message, or an <see cref="IAsyncEnumerable{T}"/> of them, and perhaps a <see cref="CancellationToken"/>;
/// it returns a task of a message, a task (an empty reply), or an <see cref="IAsyncEnumerable{T}"/> of messages.
/// </summary>
/// <param name="name">The service as it is called on the wire; null for the interface's name without its <c>I</c>.</param>
[AttributeUsage(AttributeTargets.Interface, Inherited = false)]
public sealed class RpcServiceAttribute(string? name = null) : Attribute
{
    /// <summary>The service as it is called on the wire; null for the interface's name without its <c>I</c>.</summary>
    public string? Name { get; } = name;
}
