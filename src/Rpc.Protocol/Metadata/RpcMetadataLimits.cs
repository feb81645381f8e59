namespace Kestrel.Rpc.Protocol;

/// <summary>How much metadata a call may have: metadata and trailers each. Immutable, so safe to share between threads.</summary>
public sealed class RpcMetadataLimits
{
    /// <summary>The default of <see cref="MaxEntries"/>: 128.</summary>
    public const int DefaultMaxEntries = 128;

    /// <summary>The default of <see cref="MaxLength"/>: 16 KiB.</summary>
    public const int DefaultMaxLength = 16 * 1024;

    /// <summary>The limits with all defaults.</summary>
    public static RpcMetadataLimits Default { get; } = new();

    /// <summary>The most entries. Default 128; not negative.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int MaxEntries { get; init => field = Checked(value); } = DefaultMaxEntries;

    /// <summary>The most bytes of all keys and values. Default 16 KiB; not negative. The frame header has a limit besides.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int MaxLength { get; init => field = Checked(value); } = DefaultMaxLength;

    private static int Checked(int value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        return value;
    }
}
