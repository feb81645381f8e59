using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <content>Options, which configuration may change while the server runs. Any thread.</content>
internal sealed partial class RpcServer
{
    private volatile RpcServerOptions? _reloaded;
    private volatile RpcFrameRules? _frameRules;

    /// <summary>The options of now. What is composed when the host starts does not ask again.</summary>
    public RpcServerOptions Options => _reloaded ?? options.Value;

    public RpcFrameLimits FrameLimits => FrameRules.Version1!;

    public RpcFrameRules FrameRules => _frameRules ??= RulesOf(Options);

    /// <summary>Goes on with other options, which are in order.</summary>
    public void Apply(RpcServerOptions changed)
    {
        _reloaded = changed;
        _frameRules = RulesOf(changed);
        Observer.Apply(changed.CallLog);
    }

    private static RpcFrameRules RulesOf(RpcServerOptions options) => new(
        new RpcFrameLimits { MaxProtocolDataLength = options.Limits.MaxProtocolDataLength, MaxBodyLength = options.Limits.MaxBodyLength },
        new RpcFrameLimits { MaxProtocolDataLength = options.Limits.MaxProtocolDataLength, MaxBodyLength = RpcFrameRules.DefaultMaxFrameBodyLength });
}
