using System.Text;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// One entry of <see cref="RpcMetadata"/>: a key with text or bytes. Immutable, so safe to share between threads. A key is ASCII,
/// lower-case letters, digits, <c>-</c>, <c>_</c> and <c>.</c>, at most <see cref="MaxKeyLength"/>; what ends in <c>-bin</c> has bytes, everything
/// else text, as in gRPC.
/// </summary>
public readonly struct RpcMetadataEntry : IEquatable<RpcMetadataEntry>
{
    /// <summary>The longest key, in bytes.</summary>
    public const int MaxKeyLength = 256;

    /// <summary>The end of the keys whose values are bytes.</summary>
    public const string BinarySuffix = "-bin";

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string? _key;
    private readonly byte[]? _value; // as it stands on the wire

    /// <summary>Makes an entry with text.</summary>
    /// <param name="key">The key, in any case; kept in lower case.</param>
    /// <param name="value">The text: any without half of a surrogate pair. Kept in UTF-8.</param>
    /// <exception cref="ArgumentException">The key is not a key or ends in <c>-bin</c>, or the value is not valid text.</exception>
    public RpcMetadataEntry(string key, string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        _key = Normalize(key, isBinary: false);
        _value = StrictUtf8.GetBytes(value);
    }

    /// <summary>Makes an entry with bytes.</summary>
    /// <param name="key">The key, in any case; kept in lower case. It ends in <c>-bin</c>.</param>
    /// <param name="value">The bytes. Copied.</param>
    /// <exception cref="ArgumentException">The key is not a key or does not end in <c>-bin</c>.</exception>
    public RpcMetadataEntry(string key, ReadOnlySpan<byte> value)
    {
        _key = Normalize(key, isBinary: true);
        _value = value.ToArray();
    }

    private RpcMetadataEntry(string key, byte[] value)
    {
        _key = key;
        _value = value;
    }

    /// <summary>The key, in lower case.</summary>
    public string Key => _key ?? "";

    /// <summary>Whether the value is bytes and not text.</summary>
    public bool IsBinary => Key.EndsWith(BinarySuffix, StringComparison.Ordinal);

    /// <summary>The value: text in UTF-8, or bytes.</summary>
    public ReadOnlyMemory<byte> ValueBytes => _value;

    /// <summary>The text. Decoded each time.</summary>
    /// <exception cref="InvalidOperationException">The value is bytes.</exception>
    public string Value => IsBinary
        ? throw new InvalidOperationException($"The value of '{Key}' is bytes.")
        : System.Text.Encoding.UTF8.GetString(WireValue);

    internal ReadOnlySpan<byte> WireValue => _value;

    /// <inheritdoc/>
    public bool Equals(RpcMetadataEntry other) => Key == other.Key && WireValue.SequenceEqual(other.WireValue);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is RpcMetadataEntry other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.Add(Key);
        hash.AddBytes(WireValue);
        return hash.ToHashCode();
    }

    /// <summary>Compares key and value.</summary>
    /// <param name="left">One entry.</param>
    /// <param name="right">Another.</param>
    /// <returns>Whether both are equal.</returns>
    public static bool operator ==(RpcMetadataEntry left, RpcMetadataEntry right) => left.Equals(right);

    /// <summary>Compares key and value.</summary>
    /// <param name="left">One entry.</param>
    /// <param name="right">Another.</param>
    /// <returns>Whether they differ.</returns>
    public static bool operator !=(RpcMetadataEntry left, RpcMetadataEntry right) => !left.Equals(right);

    /// <summary>For a log: the key alone, as a value may be a secret.</summary>
    /// <returns>The key.</returns>
    public override string ToString() => Key;

    /// <summary>Makes an entry from the wire, where a key must be in lower case already.</summary>
    internal static RpcMetadataError Read(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, out RpcMetadataEntry entry)
    {
        entry = default;
        if (key.Length is 0 or > MaxKeyLength)
        {
            return RpcMetadataError.BadKey;
        }

        foreach (byte character in key)
        {
            if (!IsOfKey((char)character))
            {
                return RpcMetadataError.BadKey;
            }
        }

        if (!key.EndsWith("-bin"u8) && !System.Text.Unicode.Utf8.IsValid(value))
        {
            return RpcMetadataError.BadText;
        }

        entry = new RpcMetadataEntry(System.Text.Encoding.ASCII.GetString(key), value.ToArray());
        return RpcMetadataError.None;
    }

    private static string Normalize(string key, bool isBinary)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(key.Length, MaxKeyLength, nameof(key));
        string lower = key.ToLowerInvariant();
        foreach (char character in key)
        {
            // Before it is made lower: the Kelvin sign becomes a k.
            if (!IsOfKey(character) && !char.IsAsciiLetterUpper(character))
            {
                throw new ArgumentException($"'{key}' is not a key: only letters, digits, '-', '_' and '.' are.", nameof(key));
            }
        }

        return lower.EndsWith(BinarySuffix, StringComparison.Ordinal) == isBinary
            ? lower
            : throw new ArgumentException($"A key ends in '{BinarySuffix}' if and only if its value is bytes: '{key}'.", nameof(key));
    }

    private static bool IsOfKey(char character) =>
        char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character) || character is '-' or '_' or '.';
}
