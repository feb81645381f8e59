using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Brings a call back to where its method wants to run, after something in front of its handler was waited for: who was waited for goes on with it on the thread
/// pool, where handlers that block for long must not run. To be awaited once; what follows runs on a dedicated thread, if the method wants one.
/// </summary>
internal sealed class RpcResumption : IRpcDedicatedWork, ICriticalNotifyCompletion
{
    private static readonly RpcResumption Anywhere = new(null);

    private readonly RpcDedicatedThreads? _threads;
    private Action? _continuation;
    private RpcFault? _refusal;

    private RpcResumption(RpcDedicatedThreads? threads) => _threads = threads;

    /// <summary>Always false with a dedicated thread to come: a turn that comes at once must not leave the caller where it is.</summary>
    public bool IsCompleted => _threads is null;

    public static RpcResumption Of(RpcContext context) =>
        context is RpcCall call && call.Endpoint.Scheduling == RpcScheduling.Dedicated ? new(call.Owner.Server.DedicatedThreads) : Anywhere;

    /// <summary>The same for a call that has not begun.</summary>
    public static RpcResumption On(RpcDedicatedThreads threads) => new(threads);

    public RpcResumption GetAwaiter() => this;

    /// <exception cref="Kestrel.Rpc.Protocol.RpcException">There is no thread for it: too many calls wait, or the host stops.</exception>
    public void GetResult()
    {
        if (_refusal is { } refusal)
        {
            throw RpcNotTaken.Because(refusal.Status.Code, refusal.Status.Message);
        }
    }

    public void OnCompleted(Action continuation) => throw new NotSupportedException("Async methods flow their context themselves.");

    public void UnsafeOnCompleted(Action continuation)
    {
        _continuation = continuation;
        if (!_threads!.TryRun(this))
        {
            Refuse(RpcDedicatedThreads.Busy);
        }
    }

    public void Execute() => _continuation!();

    public void Refuse(RpcFault fault)
    {
        _refusal = fault;
        _continuation!();
    }
}
