using System.Collections;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// Keys and values that travel with a call beside its messages: an ordered list in which a key may stand more than once, as
/// <c>Metadata</c> of gRPC. Lookup does not tell upper from lower case. Not safe to change while others use it; once given to a
/// call it must not be changed.
/// </summary>
public sealed class RpcMetadata : IReadOnlyList<RpcMetadataEntry>
{
    private readonly List<RpcMetadataEntry> _entries;

    /// <summary>Makes metadata without entries.</summary>
    public RpcMetadata()
        : this([], isReadOnly: false)
    {
    }

    private RpcMetadata(List<RpcMetadataEntry> entries, bool isReadOnly)
    {
        _entries = entries;
        IsReadOnly = isReadOnly;
    }

    /// <summary>Metadata without entries that cannot be changed.</summary>
    public static RpcMetadata Empty { get; } = new([], isReadOnly: true);

    /// <summary>Whether it cannot be changed: what was received.</summary>
    public bool IsReadOnly { get; }

    /// <inheritdoc/>
    public int Count => _entries.Count;

    /// <summary>Bytes of all keys and values, as <see cref="RpcMetadataLimits.MaxLength"/> counts them.</summary>
    public long Length { get; private set; }

    /// <inheritdoc/>
    public RpcMetadataEntry this[int index] => _entries[index];

    /// <summary>Adds an entry at the end.</summary>
    /// <param name="entry">The entry.</param>
    /// <exception cref="InvalidOperationException">It cannot be changed.</exception>
    /// <exception cref="ArgumentException">The entry has no key, as <c>default</c>.</exception>
    public void Add(RpcMetadataEntry entry)
    {
        if (IsReadOnly)
        {
            throw new InvalidOperationException("This metadata cannot be changed.");
        }

        ArgumentException.ThrowIfNullOrEmpty(entry.Key, nameof(entry));
        Append(entry);
    }

    /// <summary>Adds an entry with text at the end.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The text.</param>
    /// <exception cref="InvalidOperationException">It cannot be changed.</exception>
    /// <exception cref="ArgumentException">As with <see cref="RpcMetadataEntry(string, string)"/>.</exception>
    public void Add(string key, string value) => Add(new RpcMetadataEntry(key, value));

    /// <summary>Adds an entry with bytes at the end.</summary>
    /// <param name="key">The key, which ends in <c>-bin</c>.</param>
    /// <param name="value">The bytes. Copied.</param>
    /// <exception cref="InvalidOperationException">It cannot be changed.</exception>
    /// <exception cref="ArgumentException">As with <see cref="RpcMetadataEntry(string, ReadOnlySpan{byte})"/>.</exception>
    public void Add(string key, ReadOnlySpan<byte> value) => Add(new RpcMetadataEntry(key, value));

    /// <summary>Adds an entry with bytes at the end.</summary>
    /// <param name="key">The key, which ends in <c>-bin</c>.</param>
    /// <param name="value">The bytes. Copied.</param>
    /// <exception cref="InvalidOperationException">It cannot be changed.</exception>
    /// <exception cref="ArgumentException">As with <see cref="RpcMetadataEntry(string, ReadOnlySpan{byte})"/>.</exception>
    public void Add(string key, byte[] value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Add(key, value.AsSpan());
    }

    /// <summary>Finds the last entry of a key, as gRPC does: the latest word counts.</summary>
    /// <param name="key">The key, in any case.</param>
    /// <returns>The entry, or null.</returns>
    public RpcMetadataEntry? Get(string key)
    {
        for (int i = _entries.Count - 1; i >= 0; i--)
        {
            if (Has(_entries[i], key))
            {
                return _entries[i];
            }
        }

        return null;
    }

    /// <summary>Finds all entries of a key, in order.</summary>
    /// <param name="key">The key, in any case.</param>
    /// <returns>The entries; they are looked for while they are enumerated.</returns>
    public IEnumerable<RpcMetadataEntry> GetAll(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return _entries.Where(entry => Has(entry, key));
    }

    /// <summary>The text of the last entry of a key.</summary>
    /// <param name="key">The key, in any case.</param>
    /// <returns>The text, or null if there is no such entry.</returns>
    /// <exception cref="InvalidOperationException">Its value is bytes.</exception>
    public string? GetValue(string key) => Get(key)?.Value;

    /// <summary>The bytes of the last entry of a key.</summary>
    /// <param name="key">The key, in any case.</param>
    /// <returns>The bytes, of a text its UTF-8; null if there is no such entry.</returns>
    public ReadOnlyMemory<byte>? GetValueBytes(string key) => Get(key)?.ValueBytes;

    /// <inheritdoc/>
    public IEnumerator<RpcMetadataEntry> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal static RpcMetadata Received(int count) => new(new List<RpcMetadataEntry>(count), isReadOnly: true);

    internal void Append(in RpcMetadataEntry entry)
    {
        _entries.Add(entry);
        Length += entry.Key.Length + entry.WireValue.Length;
    }

    private static bool Has(in RpcMetadataEntry entry, string key) => string.Equals(entry.Key, key, StringComparison.OrdinalIgnoreCase);
}
