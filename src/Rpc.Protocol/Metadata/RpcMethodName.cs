using System.Buffers;
using System.Text;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// A service and a method with their protocol data, encoded once. Immutable, so safe to share between threads; make one a
/// method and keep it. Two are equal if both names are, upper and lower case differing.
/// </summary>
public sealed class RpcMethodName : IEquatable<RpcMethodName>
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly byte[] _protocolData;
    private readonly byte[] _name;
    private readonly int _hashCode;

    /// <summary>Makes a name.</summary>
    /// <param name="service">The service as it is called on the wire.</param>
    /// <param name="method">The method.</param>
    /// <exception cref="ArgumentException">A name is empty or not valid text.</exception>
    public RpcMethodName(string service, string method)
    {
        ArgumentException.ThrowIfNullOrEmpty(service);
        ArgumentException.ThrowIfNullOrEmpty(method);

        // The JSON writer would replace half of a surrogate pair and send another name; this throws.
        StrictUtf8.GetByteCount(service);
        StrictUtf8.GetByteCount(method);
        Service = service;
        Method = method;
        ArrayBufferWriter<byte> buffer = new();
        RpcProtocolData.Write(buffer, service, method);
        _protocolData = buffer.WrittenSpan.ToArray();
        _name = EncodeName(service, method);
        _hashCode = HashCode.Combine(Service, Method);
    }

    /// <summary>The service as it is called on the wire.</summary>
    public string Service { get; }

    /// <summary>The method.</summary>
    public string Method { get; }

    /// <summary>The protocol data of a request or a good reply, in UTF-8.</summary>
    public ReadOnlyMemory<byte> ProtocolData => _protocolData;

    /// <summary>
    /// <c>service/method</c> in UTF-8, the name in version 2. Empty if there is none: a name has a slash of its own, or both take more
    /// than <see cref="RpcMethodReference.MaxNameLength"/> bytes. Such a method can be called in version 1 only.
    /// </summary>
    public ReadOnlyMemory<byte> Name => _name;

    /// <summary>Reads <c>service/method</c>.</summary>
    /// <param name="name">Two names with one slash between them.</param>
    /// <returns>The name.</returns>
    /// <exception cref="FormatException">There is not exactly one slash, or a name is empty.</exception>
    public static RpcMethodName Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0 || slash == name.Length - 1 || name.IndexOf('/', slash + 1) >= 0)
        {
            throw new FormatException($"'{name}' is not of the form 'service/method'.");
        }

        return new RpcMethodName(name[..slash], name[(slash + 1)..]);
    }

    /// <inheritdoc/>
    public bool Equals(RpcMethodName? other) => other is not null && Service == other.Service && Method == other.Method;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as RpcMethodName);

    /// <inheritdoc/>
    public override int GetHashCode() => _hashCode;

    /// <summary><c>service/method</c>.</summary>
    /// <returns>The name.</returns>
    public override string ToString() => $"{Service}/{Method}";

    private static byte[] EncodeName(string service, string method)
    {
        if (service.Contains('/', StringComparison.Ordinal) || method.Contains('/', StringComparison.Ordinal))
        {
            return [];
        }

        byte[] name = StrictUtf8.GetBytes($"{service}/{method}");
        return name.Length <= RpcMethodReference.MaxNameLength ? name : [];
    }
}
