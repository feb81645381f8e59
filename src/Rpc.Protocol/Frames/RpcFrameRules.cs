namespace Kestrel.Rpc.Protocol;

/// <summary>
/// Which versions of the protocol a reader accepts, and how long their frames may be. A connection has the version of its first
/// frame: read that one with the rules of all versions served, the others with <see cref="For"/>. Immutable, so safe to share
/// between threads.
/// </summary>
public sealed class RpcFrameRules
{
    /// <summary>
    /// The default of the longest body of a version-2 frame: 64 KiB. Longer messages are cut, so that no frame keeps the
    /// connection to itself for long; a receiver that accepts longer ones says so in its settings.
    /// </summary>
    public const int DefaultMaxFrameBodyLength = 64 * 1024;

    private readonly RpcFrameRules? _version1Only;
    private readonly RpcFrameRules? _version2Only;

    /// <summary>Makes rules.</summary>
    /// <param name="version1">The limits of version 1; null refuses version 1.</param>
    /// <param name="version2">The limits of version 2; null refuses version 2.</param>
    public RpcFrameRules(RpcFrameLimits? version1, RpcFrameLimits? version2)
    {
        Version1 = version1;
        Version2 = version2;
        _version1Only = version2 is null ? this : version1 is null ? null : new RpcFrameRules(version1, null);
        _version2Only = version1 is null ? this : version2 is null ? null : new RpcFrameRules(null, version2);
    }

    /// <summary>The default limits of version 2: frame headers and bodies of 64 KiB each.</summary>
    public static RpcFrameLimits DefaultVersion2Limits { get; } = new() { MaxBodyLength = DefaultMaxFrameBodyLength };

    /// <summary>Both versions with their default limits.</summary>
    public static RpcFrameRules Default { get; } = new(RpcFrameLimits.Default, DefaultVersion2Limits);

    /// <summary>The limits of version 1, or null if it is refused.</summary>
    public RpcFrameLimits? Version1 { get; }

    /// <summary>The limits of version 2, or null if it is refused.</summary>
    public RpcFrameLimits? Version2 { get; }

    /// <summary>The rules of a connection whose version is known: the others are refused from now on.</summary>
    /// <param name="version">A version that these rules accept.</param>
    /// <returns>The rules, the same object each time.</returns>
    /// <exception cref="ArgumentOutOfRangeException">These rules refuse that version.</exception>
    public RpcFrameRules For(byte version) =>
        LimitsOf(version) is null ? throw new ArgumentOutOfRangeException(nameof(version), version, "This version is refused.")
        : version == RpcFrameHeader.Version1 ? _version1Only! : _version2Only!;

    internal RpcFrameLimits? LimitsOf(byte version) => version switch
    {
        RpcFrameHeader.Version1 => Version1,
        RpcFrameHeader.Version2 => Version2,
        _ => null,
    };
}
