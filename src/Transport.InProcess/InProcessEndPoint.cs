using System.Net;

namespace Kestrel.Rpc.Transport;

/// <summary>The name under which a server of this process can be reached, in one <see cref="InProcessNetwork"/>.</summary>
public sealed class InProcessEndPoint : EndPoint, IEquatable<InProcessEndPoint>
{
    /// <summary>Makes the end point of a name.</summary>
    /// <param name="name">The name; upper and lower case differ.</param>
    /// <exception cref="ArgumentException">The name is null or empty.</exception>
    public InProcessEndPoint(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <inheritdoc/>
    public bool Equals(InProcessEndPoint? other) => other is not null && string.Equals(Name, other.Name, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as InProcessEndPoint);

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(Name);

    /// <summary>
    /// <c>in-process/NAME</c>. Kestrel puts the scheme before it, and <c>http://in-process/NAME</c> is a valid URI.
    /// </summary>
    public override string ToString() => $"in-process/{Uri.EscapeDataString(Name)}";
}
