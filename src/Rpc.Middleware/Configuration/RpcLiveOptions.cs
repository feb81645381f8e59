using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The options that follow a change of the configuration while the server runs, as they are now. What is not here stays as it was when the host started: whoever
/// reads <see cref="RpcServer.Options"/> gets that. Immutable.
/// </summary>
/// <param name="options">The options, which are in order.</param>
internal sealed class RpcLiveOptions(RpcServerOptions options)
{
    /// <summary>The keys of all that is here. A test changes each key of the server and compares.</summary>
    public static IReadOnlySet<string> Keys { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase)
    {
        $"{RpcServerKeys.Section}:EnableDetailedErrors",
        $"{RpcServerKeys.Section}:Limits:MaxProtocolDataLength",
        $"{RpcServerKeys.Section}:Limits:MaxBodyLength",
        $"{RpcServerKeys.Section}:Limits:MaxConcurrentCallsPerConnection",
        $"{RpcServerKeys.Section}:Limits:MaxStreamsPerConnection",
        $"{RpcServerKeys.Section}:Connections:AuthenticationTimeout",
        $"{RpcServerKeys.Section}:Connections:FlushEachReply",
        $"{RpcServerKeys.Section}:Floods:MaxPings",
        $"{RpcServerKeys.Section}:Floods:MaxCancels",
        $"{RpcServerKeys.Section}:Floods:MaxSmallGrants",
        $"{RpcServerKeys.Section}:Floods:MaxStrayFrames",
        $"{RpcServerKeys.Section}:Floods:MaxRefusedCalls",
        $"{RpcServerKeys.Section}:CallLog:SlowerThan",
        $"{RpcServerKeys.Section}:CallLog:Errors",
        $"{RpcServerKeys.Section}:CallLog:MaxPerSecond",
        $"{RpcServerKeys.Section}:Drain:Delay",
        $"{RpcServerKeys.Section}:Drain:Timeout",
        $"{RpcServerKeys.Section}:Drain:Linger",
    };

    public bool EnableDetailedErrors { get; } = options.EnableDetailedErrors;

    /// <summary>The longest frames and messages; of version 1, and of version 2, whose messages come in pieces.</summary>
    public RpcFrameRules FrameRules { get; } = new(
        new RpcFrameLimits { MaxProtocolDataLength = options.Limits.MaxProtocolDataLength, MaxBodyLength = options.Limits.MaxBodyLength },
        new RpcFrameLimits { MaxProtocolDataLength = options.Limits.MaxProtocolDataLength, MaxBodyLength = RpcFrameRules.DefaultMaxFrameBodyLength });

    public int MaxConcurrentCallsPerConnection { get; } = options.Limits.MaxConcurrentCallsPerConnection;

    public int MaxStreamsPerConnection { get; } = options.Limits.MaxStreamsPerConnection;

    public TimeSpan AuthenticationTimeout { get; } = options.Connections.AuthenticationTimeout;

    public bool FlushEachReply { get; } = options.Connections.FlushEachReply;

    public RpcFloodOptions Floods { get; } = options.Floods;

    public RpcCallLogOptions CallLog { get; } = options.CallLog;

    public RpcServerDrainOptions Drain { get; } = options.Drain;
}
