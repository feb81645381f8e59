namespace Kestrel.Rpc.Invocation;

/// <summary>
/// The receiving side of an <see cref="InvocationChannel{TArg, TRet}"/>. It belongs to the server, which ends it with <see cref="Complete"/>
/// or <see cref="Dispose"/>; multiplexers and servers that it is given to never do.
/// </summary>
/// <typeparam name="TArg">The argument.</typeparam>
/// <typeparam name="TRet">The reply.</typeparam>
public sealed class InvocationChannelSource<TArg, TRet> : IInvocationSource<TArg, TRet>, IDisposable
{
    private readonly InvocationQueue<TArg, TRet> _queue;

    internal InvocationChannelSource(InvocationQueue<TArg, TRet> queue) => _queue = queue;

    /// <summary>How many calls wait to be received; a snapshot.</summary>
    public int Count => _queue.Count;

    /// <summary>How many may wait.</summary>
    public int Capacity => _queue.Capacity;

    /// <inheritdoc/>
    public bool IsCompleted => _queue.IsDrained;

    /// <inheritdoc/>
    public bool IsReady => _queue.IsReady;

    /// <inheritdoc/>
    public bool TryReceive(out Invocation<TArg, TRet> invocation) => _queue.TryDequeue(out invocation);

    /// <inheritdoc/>
    public void Arm(SourceWaiter waiter) => _queue.Receivers.Add(waiter);

    /// <inheritdoc/>
    public bool Disarm(SourceWaiter waiter) => _queue.Receivers.Remove(waiter);

    /// <summary>
    /// Takes no new calls: clients get <see cref="System.Threading.Channels.ChannelClosedException"/>. Those that wait are still received. May be called again.
    /// </summary>
    public void Complete() => _queue.Close();

    /// <summary>As <see cref="Complete"/>, and the calls that wait fail with <see cref="InvocationDroppedException"/>. May be called again.</summary>
    public void Dispose()
    {
        Complete();
        while (!_queue.IsDrained)
        {
            if (_queue.TryDequeue(out Invocation<TArg, TRet> invocation))
            {
                InvocationHandler.Refuse(
                    in invocation, new InvocationDroppedException("The receiving side went away before it took the call."), onFault: null);
            }
            else
            {
                Thread.SpinWait(1); // a sender has taken its place and is just writing the call into it
            }
        }
    }
}
