using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Middleware;

/// <summary>The accessor, whose value flows with the execution context. Any thread.</summary>
internal sealed class RpcContextAccessor : IRpcContextAccessor
{
    private readonly AsyncLocal<Holder?> _current = new();

    public RpcContext? Context => _current.Value?.Context;

    /// <summary>A pipeline that tells its calls to those who ask the accessor; as it was if nobody has registered one.</summary>
    public static RpcDelegate Around(RpcDelegate pipeline, IServiceProvider services) =>
        services.GetService(typeof(IRpcContextAccessor)) is RpcContextAccessor accessor ? context => accessor.RunAsync(context, pipeline) : pipeline;

    // As an async method it leaves its caller's execution context as it was, so that the next call of a read loop starts without.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask RunAsync(RpcContext context, RpcDelegate pipeline)
    {
        Holder holder = new() { Context = context };
        _current.Value = holder;
        try
        {
            await pipeline(context).ConfigureAwait(false);
        }
        finally
        {
            holder.Context = null;
        }
    }

    // What outlives the call has the holder still, and must not see the context, which is another call's then.
    private sealed class Holder
    {
        public volatile RpcContext? Context;
    }
}
