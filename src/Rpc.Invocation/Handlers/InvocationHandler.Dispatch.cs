using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Invocation;

public static partial class InvocationHandler
{
    /// <summary>
    /// Runs the handler for one call and sees to it that the caller gets something: what every source does with what it receives, and what an event
    /// loop or a network server does with a message it has read.
    /// </summary>
    /// <param name="handler">The handler.</param>
    /// <param name="invocation">The call.</param>
    /// <param name="onFault">
    /// Told what the handler throws after the call was answered, which the caller cannot be told; by default such an exception is an event of the
    /// source <c>Kestrel.Rpc.Invocation</c> (see <see cref="System.Diagnostics.Tracing.EventSource"/>).
    /// </param>
    /// <typeparam name="TArg">The argument.</typeparam>
    /// <typeparam name="TRet">The reply.</typeparam>
    /// <returns>Ends with the handler. Never faulted, unless <paramref name="onFault"/> throws.</returns>
    public static ValueTask DispatchAsync<TArg, TRet>(
        this IInvocationHandler<TArg, TRet> handler, Invocation<TArg, TRet> invocation, Action<Exception>? onFault = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ValueTask handling;
        try
        {
            handling = handler.HandleAsync(invocation);
        }
        catch (Exception exception)
        {
            // Whatever a handler throws fails its call, and no other.
            Fail(invocation, exception, onFault);
            return default;
        }

        if (handling.IsCompletedSuccessfully)
        {
            handling.GetAwaiter().GetResult();
            if (!AnswersAlways(handler))
            {
                Drop(invocation, onFault);
            }

            return default;
        }

        return EndAsync(handling, invocation, onFault);
    }

    /// <summary>Calls the handler directly, on this thread, with no source in between.</summary>
    /// <param name="handler">The handler.</param>
    /// <param name="argument">What is asked.</param>
    /// <param name="cancellationToken">Ends the wait, and tells the handler; it may go on nevertheless.</param>
    /// <typeparam name="TArg">The argument.</typeparam>
    /// <typeparam name="TRet">The reply.</typeparam>
    /// <returns>The reply. To be awaited once.</returns>
    public static ValueTask<TRet> InvokeAsync<TArg, TRet>(
        this IInvocationHandler<TArg, TRet> handler, TArg argument, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<TRet>(cancellationToken);
        }

        PendingReply<TRet> pending = PendingReply<TRet>.Rent(continuesInline: false, cancellationToken);
        ValueTask<TRet> reply = pending.Task;
        ValueTask handling = handler.DispatchAsync(pending.Begin(argument));
        pending.Watch(cancellationToken);
        if (handling.IsCompleted)
        {
            handling.GetAwaiter().GetResult();
        }
        else
        {
            HandlerWatch.Start(in handling, owner: null);
        }

        return reply;
    }

    /// <summary>
    /// As <see cref="InvokeAsync"/>, for those whose calls are bounded by what they wait for: ends no earlier than the handler, also where the wait for
    /// the reply was cancelled. A reply that was deferred or forwarded may still come after that, or never.
    /// </summary>
    /// <param name="handler">The handler.</param>
    /// <param name="argument">What is asked.</param>
    /// <param name="continuesInline">Whether the code after <c>await</c> may run on the thread that replies. Default: on the thread pool.</param>
    /// <param name="cancellationToken">Ends the wait for a reply that the handler's end leaves open, and tells the handler.</param>
    /// <typeparam name="TArg">The argument.</typeparam>
    /// <typeparam name="TRet">The reply.</typeparam>
    /// <returns>The reply. To be awaited once.</returns>
    public static ValueTask<TRet> InvokeToEndAsync<TArg, TRet>(
        this IInvocationHandler<TArg, TRet> handler, TArg argument, bool continuesInline = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<TRet>(cancellationToken);
        }

        PendingReply<TRet> pending = PendingReply<TRet>.Rent(continuesInline, cancellationToken);
        ValueTask<TRet> reply = pending.Task;
        ValueTask handling = handler.DispatchAsync(pending.Begin(argument));
        if (!pending.IsEnded)
        {
            pending.Watch(cancellationToken);
        }

        if (!handling.IsCompleted)
        {
            return EndBothAsync(handling, reply);
        }

        handling.GetAwaiter().GetResult();
        return reply;
    }

    // A look at the call after its reply takes the cache line back from the caller's processor: with 128 calls under way between two
    // processors a call cost 250 ns of CPU with the look, and 140 to 220 without (benchmarks/Invocation, pipelined).
    private static bool AnswersAlways<TArg, TRet>(IInvocationHandler<TArg, TRet> handler) =>
        handler is FunctionHandler<TArg, TRet> or AsyncFunctionHandler<TArg, TRet>;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask EndAsync<TArg, TRet>(ValueTask handling, Invocation<TArg, TRet> invocation, Action<Exception>? onFault)
    {
        try
        {
            await handling.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // As above.
            Fail(invocation, exception, onFault);
            return;
        }

        Drop(invocation, onFault);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<TRet> EndBothAsync<TRet>(ValueTask handling, ValueTask<TRet> reply)
    {
        await handling.ConfigureAwait(false);
        return await reply.ConfigureAwait(false);
    }

    /// <summary>What a handler has thrown, to whom it concerns.</summary>
    internal static void Fail<TArg, TRet>(Invocation<TArg, TRet> invocation, Exception exception, Action<Exception>? onFault)
    {
        bool isTold = false;
        try
        {
            isTold = invocation.TryFail(exception);
        }
        catch (Exception callbackFault)
        {
            // The caller's own callback failed. It has been called, so nothing is left to do for this call.
            InvocationEvents.Report(callbackFault, onFault);
            isTold = true;
        }

        if (!isTold)
        {
            InvocationEvents.Report(exception, onFault);
        }
    }

    /// <summary>A handler has ended: the caller gets an error if it has got nothing else, and the call was given to nobody else.</summary>
    internal static void Drop<TArg, TRet>(in Invocation<TArg, TRet> invocation, Action<Exception>? onFault)
    {
        // Looked at first: nearly always the reply was given, and a look costs less than a try.
        if (invocation.IsOpen)
        {
            Refuse(in invocation, new InvocationDroppedException(), onFault);
        }
    }

    /// <summary>Fails a call that nobody will handle, unless it was answered.</summary>
    internal static void Refuse<TArg, TRet>(in Invocation<TArg, TRet> invocation, Exception reason, Action<Exception>? onFault)
    {
        try
        {
            _ = invocation.TryFail(reason);
        }
        catch (Exception callbackFault)
        {
            // As above.
            InvocationEvents.Report(callbackFault, onFault);
        }
    }
}
