using Kestrel.Rpc.Invocation;
using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Calls of the network as a source: a bounded buffer from which any number of threads receive. It can be pulled, served by an
/// <see cref="InvocationServer{TArg, TRet}"/>, merged with other sources, joined to an event loop with
/// <see cref="EventFdSource{TArg, TRet}"/>. Made by <c>app.MapRpcSource(...)</c>. Any thread.
/// </summary>
/// <remarks>
/// <para>Middleware and filters run around a call as around any other: the first part before the call is in the buffer, the rest when it was replied to.</para>
/// <para>A call whose caller gave it up, whose time is over or whose connection is gone ends at once; if it still waits to be received, nobody
/// receives it any more. Whoever has received it sees the invocation's <c>CancellationToken</c>, and its late reply is read by nobody.</para>
/// <para>Who receives a call sees to its reply; <c>Defer()</c> has the garbage collector watch over it. A source that nobody receives from holds its
/// calls until their callers give up. The source takes no more calls when the host has stopped, and loops that serve it end then.</para>
/// </remarks>
/// <typeparam name="TArg">What is asked.</typeparam>
/// <typeparam name="TRet">The reply.</typeparam>
public abstract class RpcSource<TArg, TRet> : IInvocationSource<TArg, TRet>, IDisposable
{
    private readonly InvocationChannel<TArg, TRet> _channel;
    private readonly CancellationTokenRegistration _hostStopped;

    private protected RpcSource(RpcSourceOptions? options, IServiceProvider services)
    {
        options ??= new RpcSourceOptions();
        ContinuesInline = options.ContinuesInline;
        _channel = new InvocationChannel<TArg, TRet>(new InvocationChannelOptions { Capacity = options.Capacity });
        Entrance = new RpcSourceEntrance<TArg, TRet>(_channel.Client, options.RejectsWhenFull);

        // After the server has ended its connections: until then its calls need those who serve them.
        _hostStopped = services.GetService<IHostApplicationLifetime>()?.ApplicationStopped.UnsafeRegister(
            static channel => ((InvocationChannel<TArg, TRet>)channel!).Source.Complete(), _channel) ?? default;
    }

    /// <summary>How many calls wait to be received; a snapshot, which counts those whose callers have given up.</summary>
    public int Count => _channel.Source.Count;

    /// <summary>How many may wait.</summary>
    public int Capacity => _channel.Source.Capacity;

    /// <inheritdoc/>
    public bool IsCompleted => _channel.Source.IsCompleted;

    /// <inheritdoc/>
    public bool IsReady => _channel.Source.IsReady;

    /// <summary>Where calls come in.</summary>
    private protected IInvocationHandler<TArg, TRet> Entrance { get; }

    private protected bool ContinuesInline { get; }

    /// <inheritdoc/>
    public bool TryReceive(out Invocation<TArg, TRet> invocation)
    {
        while (_channel.Source.TryReceive(out invocation))
        {
            CancellationToken cancellation = invocation.CancellationToken;
            if (!cancellation.IsCancellationRequested)
            {
                return true;
            }

            // Nobody waits for it. The reply lets go of what the call holds.
            _ = invocation.TryFail(new OperationCanceledException(cancellation));
        }

        return false;
    }

    /// <inheritdoc/>
    public void Arm(SourceWaiter waiter) => _channel.Source.Arm(waiter);

    /// <inheritdoc/>
    public bool Disarm(SourceWaiter waiter) => _channel.Source.Disarm(waiter);

    /// <summary>
    /// Takes no new calls: they are refused with <c>UNAVAILABLE</c>, as not processed. Those that wait are still received. May be called again.
    /// </summary>
    public void Complete() => _channel.Source.Complete();

    /// <summary>As <see cref="Complete"/>, and the calls that wait are refused likewise. May be called again.</summary>
    public void Dispose()
    {
        _hostStopped.Dispose();
        Complete();
        while (TryReceive(out Invocation<TArg, TRet> invocation))
        {
            _ = invocation.TryFail(RpcNotTaken.Because(RpcStatusCode.Unavailable, "The server takes no more calls of this method."));
        }

        _channel.Source.Dispose(); // a call that was just coming in
        GC.SuppressFinalize(this);
    }
}
