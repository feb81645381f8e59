namespace Kestrel.Rpc.Protocol;

/// <summary>How a call went: a code, a sentence and details. Immutable, so safe to share between threads.</summary>
/// <param name="Code">The code.</param>
/// <param name="Message">One sentence about a failure; may be empty.</param>
/// <param name="Details">More about a failure, in a format the two sides agree on, for example a <c>google.rpc.Status</c>; mostly empty.</param>
public sealed record RpcStatus(RpcStatusCode Code, string Message, ReadOnlyMemory<byte> Details = default)
{
    /// <summary>No error.</summary>
    public static RpcStatus Ok { get; } = new(RpcStatusCode.Ok, "");

    /// <summary>Compares code, message and the bytes of the details.</summary>
    /// <param name="other">Another status.</param>
    /// <returns>Whether all are equal.</returns>
    public bool Equals(RpcStatus? other) =>
        other is not null && Code == other.Code && Message == other.Message && Details.Span.SequenceEqual(other.Details.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Code, Message, Details.Length);

    /// <summary>For logs: code and message.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => Message.Length == 0 ? Code.ToString() : $"{Code}: {Message}";
}
