namespace Kestrel.Rpc.Protocol;

/// <summary>
/// How long a frame may be. Both lengths are known from the header, so a frame that is too long is refused before anything
/// is allocated or waited for. Immutable, so safe to share between threads.
/// </summary>
public sealed class RpcFrameLimits
{
    /// <summary>The default of <see cref="MaxProtocolDataLength"/>: 64 KiB.</summary>
    public const int DefaultMaxProtocolDataLength = 64 * 1024;

    /// <summary>The default of <see cref="MaxBodyLength"/>: 4 MiB.</summary>
    public const int DefaultMaxBodyLength = 4 * 1024 * 1024;

    /// <summary>
    /// The most that either limit may be: 1 GiB. A whole frame then still has a length that fits an <see cref="int"/> when it
    /// has to lie in one piece of memory; Google.Protobuf cannot hold more than 2 GiB.
    /// </summary>
    public const int Largest = 1024 * 1024 * 1024 - RpcFrameHeader.Size;

    /// <summary>The limits with all defaults.</summary>
    public static RpcFrameLimits Default { get; } = new();

    /// <summary>The longest protocol data (version 1) or frame header (version 2) accepted, in bytes. Default 64 KiB; 0 to <see cref="Largest"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxProtocolDataLength { get; init => field = Checked(value); } = DefaultMaxProtocolDataLength;

    /// <summary>The longest body accepted, in bytes. Default 4 MiB; 0 to <see cref="Largest"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxBodyLength { get; init => field = Checked(value); } = DefaultMaxBodyLength;

    /// <summary>Rules that accept version 1 alone, with these limits.</summary>
    internal RpcFrameRules Version1Only => field ??= new RpcFrameRules(this, null);

    private static int Checked(int value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, Largest);
        return value;
    }
}
