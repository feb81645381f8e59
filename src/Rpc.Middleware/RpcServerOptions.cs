using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Options of the RPC server. Checked when the host starts and read then; later changes have no effect.</summary>
public sealed class RpcServerOptions
{
    /// <summary>
    /// Where calls run. Default: <see cref="RpcScheduling.ThreadPool"/>. <c>WithScheduling</c> overrides it for a method.
    /// </summary>
    public RpcScheduling Scheduling { get; set; }

    /// <summary>
    /// Whether the caller is told type and message of an exception that a handler lets escape. They may hold secrets, so this
    /// is for development. Default <see langword="false"/>: the caller learns only that the handler failed.
    /// </summary>
    public bool EnableDetailedErrors { get; set; }

    /// <summary>
    /// Whether a call is <see cref="RpcParentCall.Current"/> while its pipeline runs, so that calls which it makes without naming it keep to its time and
    /// end with it, where their client's options follow it. Costs each call an object. Default <see langword="false"/>: name the context as the parent.
    /// </summary>
    public bool SetsAmbientCall { get; set; }

    /// <summary>
    /// How replies are compressed for callers of version 2 that say they take it; messages that do not get shorter go as they are. Default
    /// <see cref="RpcEncoding.None"/>. <c>WithRpcCompression</c> overrides it for a method.
    /// </summary>
    public RpcEncoding ReplyCompression { get; set; }

    /// <summary>How much one peer may ask for.</summary>
    public RpcServerLimits Limits { get; } = new();

    /// <summary>The threads of methods with <see cref="RpcScheduling.Dedicated"/>.</summary>
    public RpcDedicatedOptions Dedicated { get; } = new();

    /// <summary>Which calls are logged because they were slow or failed.</summary>
    public RpcCallLogOptions CallLog { get; } = new();

    /// <summary>How credentials of calls are treated.</summary>
    public RpcAuthenticationOptions Authentication { get; } = new();

    /// <summary>How much that is of no use one connection may send.</summary>
    public RpcFloodOptions Floods { get; } = new();

    /// <summary>How connections are treated.</summary>
    public RpcServerConnectionOptions Connections { get; } = new();

    /// <summary>How the server ends when its host stops.</summary>
    public RpcServerDrainOptions Drain { get; } = new();
}
