using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Kestrel.Rpc.Invocation;

/// <summary>Receiving from a source: the pull side, for programs that want calls as values and no handler.</summary>
public static class InvocationSourceExtensions
{
    /// <summary>Takes a call; blocks the thread until there is one.</summary>
    /// <param name="source">The source.</param>
    /// <param name="invocation">The call.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <typeparam name="TArg">The argument.</typeparam>
    /// <typeparam name="TRet">The reply.</typeparam>
    /// <returns>False: the source has ended.</returns>
    /// <exception cref="OperationCanceledException">Cancelled while there was none.</exception>
    public static bool Receive<TArg, TRet>(
        this IInvocationSource<TArg, TRet> source, out Invocation<TArg, TRet> invocation, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        while (!source.TryReceive(out invocation))
        {
            if (source.IsCompleted)
            {
                return false;
            }

            cancellationToken.ThrowIfCancellationRequested();
            ThreadWaiter.Wait(source, cancellationToken);
        }

        return true;
    }

    /// <summary>Takes a call, when there is one.</summary>
    /// <param name="source">The source.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <typeparam name="TArg">The argument.</typeparam>
    /// <typeparam name="TRet">The reply.</typeparam>
    /// <returns>The call. To be awaited once.</returns>
    /// <exception cref="ChannelClosedException">The source has ended.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while there was none.</exception>
    public static ValueTask<Invocation<TArg, TRet>> ReceiveAsync<TArg, TRet>(
        this IInvocationSource<TArg, TRet> source, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        return source.TryReceive(out Invocation<TArg, TRet> invocation)
            ? new ValueTask<Invocation<TArg, TRet>>(invocation)
            : WaitAsync(source, cancellationToken);
    }

    /// <summary>The calls, one after the other, until the source ends.</summary>
    /// <param name="source">The source.</param>
    /// <param name="cancellationToken">Ends the waits.</param>
    /// <typeparam name="TArg">The argument.</typeparam>
    /// <typeparam name="TRet">The reply.</typeparam>
    /// <returns>For <c>await foreach</c>.</returns>
    public static async IAsyncEnumerable<Invocation<TArg, TRet>> ReceiveAllAsync<TArg, TRet>(
        this IInvocationSource<TArg, TRet> source, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        while (true)
        {
            while (source.TryReceive(out Invocation<TArg, TRet> invocation))
            {
                yield return invocation;
            }

            if (source.IsCompleted)
            {
                yield break;
            }

            cancellationToken.ThrowIfCancellationRequested();
            await AsyncWaiter.WaitAsync(source, cancellationToken).ConfigureAwait(false);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<Invocation<TArg, TRet>> WaitAsync<TArg, TRet>(
        IInvocationSource<TArg, TRet> source, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (source.TryReceive(out Invocation<TArg, TRet> invocation))
            {
                return invocation;
            }

            if (source.IsCompleted)
            {
                throw new ChannelClosedException("The source has ended.");
            }

            await AsyncWaiter.WaitAsync(source, cancellationToken).ConfigureAwait(false);
        }
    }
}
