using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// A call as <see cref="RpcParentCall.Current"/>: an object of its own for each call, since it may flow into tasks that outlive the call, whose context is
/// another call then. From the call's end on it limits and cancels nothing. Any thread.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "End disposes of what there is.")]
internal sealed class RpcAmbientCall : IRpcParentCall
{
    private readonly Lock _lock = new();
    private readonly RpcContext _call;
    private readonly CancellationToken _cancellation;
    private CancellationTokenSource? _source; // under the lock, as the next one
    private bool _hasEnded;

    private RpcAmbientCall(RpcContext context)
    {
        _call = context;
        _cancellation = context.CancellationToken;
    }

    public TimeSpan? TimeLeft
    {
        get
        {
            lock (_lock)
            {
                return _hasEnded ? null : ((IRpcParentCall)_call).TimeLeft; // which knows more than the property
            }
        }
    }

    // Not the call's own token: what is registered there too late would belong to another call.
    public CancellationToken CancellationToken
    {
        get
        {
            lock (_lock)
            {
                return _hasEnded ? CancellationToken.None : (_source ??= CancellationTokenSource.CreateLinkedTokenSource(_cancellation)).Token;
            }
        }
    }

    /// <summary>A pipeline that runs with its calls as the ambient ones.</summary>
    public static RpcDelegate Around(RpcDelegate pipeline) => context => RunAsync(context, pipeline);

    // As an async method it leaves its caller's execution context as it was, so that the next call of a read loop starts without.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask RunAsync(RpcContext context, RpcDelegate pipeline)
    {
        RpcAmbientCall ambient = new(context);
        RpcParentCall.Current = ambient;
        try
        {
            await pipeline(context).ConfigureAwait(false);
        }
        finally
        {
            ambient.End();
        }
    }

    private void End()
    {
        CancellationTokenSource? source;
        lock (_lock)
        {
            _hasEnded = true;
            source = _source;
        }

        source?.Dispose(); // waits for callbacks that run just now
    }
}
