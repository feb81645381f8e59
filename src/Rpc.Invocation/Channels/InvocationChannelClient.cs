using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Kestrel.Rpc.Invocation;

/// <summary>
/// The sending side of an <see cref="InvocationChannel{TArg, TRet}"/>: makes calls, and takes calls of others (as a handler), which it hands on
/// into the channel with their replies. Any thread.
/// </summary>
/// <typeparam name="TArg">The argument.</typeparam>
/// <typeparam name="TRet">The reply.</typeparam>
public sealed class InvocationChannelClient<TArg, TRet> : IInvocationHandler<TArg, TRet>
{
    private readonly InvocationQueue<TArg, TRet> _queue;
    private readonly bool _continuesInline;
    private readonly TimeSpan _replySpinTime;
    private readonly TimeProvider _timeProvider;

    internal InvocationChannelClient(InvocationQueue<TArg, TRet> queue, InvocationChannelOptions options)
    {
        _queue = queue;
        _continuesInline = options.ContinuesInline;
        _replySpinTime = Spinner.Check(options.ReplySpinTime, nameof(options));
        _timeProvider = options.TimeProvider;
    }

    /// <summary>Whether the channel takes no more calls.</summary>
    public bool IsClosed => _queue.IsClosed;

    /// <summary>Makes a call. Where the channel is full it waits for room first.</summary>
    /// <param name="argument">What is asked. The handler gets this very object.</param>
    /// <param name="cancellationToken">
    /// Ends the wait, for room or for the reply. A handler that has the call already may go on; its
    /// <see cref="Invocation{TArg, TRet}.CancellationToken"/> tells it.
    /// </param>
    /// <returns>The reply, or what the handler has failed with. To be awaited once.</returns>
    /// <exception cref="ChannelClosedException">From the task: the server takes no more calls.</exception>
    /// <exception cref="OperationCanceledException">From the task: cancelled.</exception>
    public ValueTask<TRet> InvokeAsync(TArg argument, CancellationToken cancellationToken = default) =>
        CallAsync(argument, _continuesInline, cancellationToken);

    /// <summary>Makes a call if there is room for it.</summary>
    /// <param name="argument">What is asked.</param>
    /// <param name="reply">The reply, to be awaited once; only where the call was made.</param>
    /// <param name="cancellationToken">As for <see cref="InvokeAsync"/>.</param>
    /// <returns>False: the channel is full, or the server takes no more calls.</returns>
    public bool TryInvoke(TArg argument, out ValueTask<TRet> reply, CancellationToken cancellationToken = default)
    {
        PendingReply<TRet> pending = PendingReply<TRet>.Rent(_continuesInline, cancellationToken);
        reply = pending.Task;
        Invocation<TArg, TRet> invocation = pending.Begin(argument);
        if (_queue.TryEnqueue(in invocation) != RingStatus.Done)
        {
            pending.Abandon();
            reply = default;
            return false;
        }

        pending.Watch(cancellationToken);
        return true;
    }

    /// <summary>
    /// Makes a call and blocks the thread until the reply is there; looks for it without sleeping for
    /// <see cref="InvocationChannelOptions.ReplySpinTime"/>. Not for threads that the handler needs.
    /// </summary>
    /// <param name="argument">What is asked.</param>
    /// <param name="cancellationToken">As for <see cref="InvokeAsync"/>.</param>
    /// <returns>The reply.</returns>
    /// <exception cref="ChannelClosedException">The server takes no more calls.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    [SuppressMessage("Reliability", "CA2012", Justification = "Waited for and then read, as await does.")]
    public TRet Invoke(TArg argument, CancellationToken cancellationToken = default)
    {
        // What continues is the end of a wait, nothing of the caller's: so it may, on the replier's thread.
        ValueTask<TRet> reply = CallAsync(argument, continuesInline: true, cancellationToken);
        var spinner = new Spinner(_replySpinTime, _timeProvider);
        while (!reply.IsCompleted)
        {
            if (!spinner.LooksAgain())
            {
                ThreadWaiter.Wait(in reply);
                break;
            }
        }

        return reply.GetAwaiter().GetResult();
    }

    /// <summary>Hands a call of somebody else on into the channel, if there is room for it: its reply goes to whoever made it.</summary>
    /// <param name="invocation">Forwarded if this succeeds; unchanged otherwise.</param>
    /// <returns>False: the channel is full, or the server takes no more calls.</returns>
    /// <exception cref="InvalidOperationException">The call was answered, forwarded or deferred before.</exception>
    public bool TrySend(Invocation<TArg, TRet> invocation)
    {
        Invocation<TArg, TRet> forwarded = invocation.Forward();
        if (_queue.TryEnqueue(in forwarded) == RingStatus.Done)
        {
            return true;
        }

        Invocation<TArg, TRet>.TakeBack(in forwarded);
        return false;
    }

    /// <summary>Hands a call of somebody else on into the channel, when there is room for it.</summary>
    /// <param name="invocation">Forwarded when the task has ended well; unchanged otherwise.</param>
    /// <param name="cancellationToken">Ends the wait for room.</param>
    /// <returns>Ends when the call is in the channel.</returns>
    /// <exception cref="ChannelClosedException">The server takes no more calls.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="InvalidOperationException">The call was answered, forwarded or deferred before.</exception>
    public ValueTask SendAsync(Invocation<TArg, TRet> invocation, CancellationToken cancellationToken = default) =>
        TrySend(invocation) ? default : SendWhenThereIsRoomAsync(invocation, cancellationToken);

    /// <summary>
    /// <see cref="SendAsync"/>, as a handler: waits for room, for as long as the caller waits. So any source can feed a channel, and who feeds it
    /// feels how full it is.
    /// </summary>
    /// <param name="invocation">The call.</param>
    /// <returns>Ends when the call is in the channel, or was answered with an error.</returns>
    ValueTask IInvocationHandler<TArg, TRet>.HandleAsync(Invocation<TArg, TRet> invocation) => SendAsync(invocation, invocation.CancellationToken);

    /// <summary>Ends the channel from this side: no more calls, from any client. The server receives those that wait, and then the end.</summary>
    public void Complete() => _queue.Close();

    private ValueTask<TRet> CallAsync(TArg argument, bool continuesInline, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<TRet>(cancellationToken);
        }

        PendingReply<TRet> pending = PendingReply<TRet>.Rent(continuesInline, cancellationToken);
        ValueTask<TRet> reply = pending.Task;
        Invocation<TArg, TRet> invocation = pending.Begin(argument);
        if (_queue.TryEnqueue(in invocation) != RingStatus.Done)
        {
            return InvokeWhenThereIsRoomAsync(pending, invocation, cancellationToken);
        }

        pending.Watch(cancellationToken);
        return reply;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<TRet> InvokeWhenThereIsRoomAsync(
        PendingReply<TRet> pending, Invocation<TArg, TRet> invocation, CancellationToken cancellationToken)
    {
        ValueTask<TRet> reply = pending.Task;
        try
        {
            await EnqueueAsync(invocation, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            pending.Abandon();
            throw;
        }

        pending.Watch(cancellationToken);
        return await reply.ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendWhenThereIsRoomAsync(Invocation<TArg, TRet> invocation, CancellationToken cancellationToken)
    {
        try
        {
            while (!TrySend(invocation))
            {
                await RoomAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (InvalidOperationException)
        {
            _queue.PassOnRoom(); // answered by somebody else while it waited
            throw;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask EnqueueAsync(Invocation<TArg, TRet> invocation, CancellationToken cancellationToken)
    {
        while (_queue.TryEnqueue(in invocation) != RingStatus.Done)
        {
            await RoomAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private ValueTask RoomAsync(CancellationToken cancellationToken) => _queue.IsClosed
        ? throw new ChannelClosedException("The channel has ended: the server takes no more calls.")
        : AsyncWaiter.WaitAsync(_queue.Room, cancellationToken);
}
