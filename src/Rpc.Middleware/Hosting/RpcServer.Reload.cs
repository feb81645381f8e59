using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <content>Options, some of which configuration may change while the server runs. Any thread.</content>
internal sealed partial class RpcServer
{
    private volatile RpcLiveOptions? _live;

    /// <summary>The options that the host has started with.</summary>
    public RpcServerOptions Options => options.Value;

    /// <summary>Those that may have changed since.</summary>
    public RpcLiveOptions Live => _live ?? Interlocked.CompareExchange(ref _live, new RpcLiveOptions(options.Value), null) ?? _live;

    public RpcFrameLimits FrameLimits => FrameRules.Version1!;

    public RpcFrameRules FrameRules => Live.FrameRules;

    /// <summary>Goes on with other options, which are in order, as far as they may change.</summary>
    public void Apply(RpcServerOptions changed)
    {
        RpcLiveOptions live = new(changed);
        _live = live;
        Observer.Apply(live.CallLog);
    }
}
