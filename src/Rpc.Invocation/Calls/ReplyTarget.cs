namespace Kestrel.Rpc.Invocation;

/// <summary>
/// What receives the reply of an invocation: the other end of the one-shot callback. It may be used for one call after the other: each
/// begins with <see cref="Arm"/>, which gives the token that the call's <see cref="Invocation{TArg, TRet}"/> carries, and whoever still
/// holds the invocation of an earlier call can do nothing to a later one.
/// </summary>
/// <remarks>
/// Of any number of replies, from any threads, one reaches <see cref="OnReply"/>; the others are refused. A network server makes one
/// for each of its pooled calls and completes the call there.
/// </remarks>
/// <typeparam name="TRet">The reply.</typeparam>
public abstract class ReplyTarget<TRet>
{
    // Even: the token that may reply now. Odd: nobody may. It only grows, so no token comes twice; 2^62 calls are never made.
    private long _state = 1;

    /// <summary>Opens the target for one reply. By its owner alone, before the invocation is given to anybody.</summary>
    /// <returns>The token of the call; never 0.</returns>
    /// <exception cref="InvalidOperationException">The reply of the call before is still awaited.</exception>
    protected internal long Arm()
    {
        long state = _state;
        if ((state & 1) == 0)
        {
            throw new InvalidOperationException("The call before has not been answered yet.");
        }

        // Whatever hands the invocation to another thread publishes this too.
        Volatile.Write(ref _state, state + 1);
        return state + 1;
    }

    /// <summary>Undoes <see cref="Arm"/> where the token was given to nobody.</summary>
    internal void Disarm() => Volatile.Write(ref _state, _state + 1);

    /// <summary>Takes the call's only reply. On the thread of the replier, which gets what this throws.</summary>
    /// <param name="result">The reply or the error.</param>
    protected abstract void OnReply(in InvocationResult<TRet> result);

    /// <summary>Cancelled when the caller waits no more. Read only while the call is open.</summary>
    protected virtual CancellationToken CallerCancellation => CancellationToken.None;

    /// <summary>Whether the token's call still waits for its reply.</summary>
    internal bool IsOpen(long token) => Volatile.Read(ref _state) == token;

    internal CancellationToken CancellationOf(long token)
    {
        CancellationToken cancellation = CallerCancellation;
        return IsOpen(token) ? cancellation : new CancellationToken(canceled: true);
    }

    /// <returns>False: the reply was given before, or the invocation was forwarded or deferred.</returns>
    internal bool TryReply(long token, in InvocationResult<TRet> result)
    {
        if (Interlocked.CompareExchange(ref _state, token + 1, token) != token)
        {
            return false;
        }

        OnReply(in result);
        return true;
    }

    /// <summary>Makes <paramref name="token"/> void and gives the right to reply to the token returned; 0 if it had none.</summary>
    internal long Move(long token) => Interlocked.CompareExchange(ref _state, token + 2, token) == token ? token + 2 : 0;

    /// <summary>Undoes <see cref="Move"/>, by the only one who knows the new token.</summary>
    internal void MoveBack(long movedTo) => Interlocked.CompareExchange(ref _state, movedTo - 2, movedTo);
}
