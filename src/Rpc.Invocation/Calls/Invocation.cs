using System.Diagnostics.CodeAnalysis;

namespace Kestrel.Rpc.Invocation;

/// <summary>
/// A call on its way to a handler: the argument, and a callback that takes exactly one reply. The callback may be called by any thread,
/// also after the handler has returned (<see cref="Defer"/>).
/// </summary>
/// <remarks>
/// <para>A value that may be copied freely: all copies are one invocation and share its one reply. Calls through a channel or
/// a direct call allocate nothing for it.</para>
/// <para><b>Exactly one reply.</b> The first <see cref="Reply"/> or <see cref="Fail"/> reaches the caller. Every other one is refused: it
/// throws at the replier, and the caller sees nothing of it.</para>
/// <para><b>No reply at all.</b> A handler that ends without a reply, a forward or a deferral has dropped the call: the
/// caller gets an <see cref="InvocationDroppedException"/>. One that throws gives the exception to the caller.</para>
/// </remarks>
/// <typeparam name="TArg">The argument.</typeparam>
/// <typeparam name="TRet">The reply.</typeparam>
[SuppressMessage("Performance", "CA1815", Justification = "Invocations are not compared.")]
public readonly struct Invocation<TArg, TRet>
{
    private readonly ReplyTarget<TRet>? _target;
    private readonly long _token;

    /// <summary>An invocation whose reply <paramref name="target"/> takes. For those who write a source.</summary>
    /// <param name="argument">What is asked.</param>
    /// <param name="target">Takes the reply.</param>
    /// <param name="token">What <see cref="ReplyTarget{TRet}.Arm"/> has given for this call.</param>
    /// <exception cref="ArgumentNullException"><paramref name="target"/> is null.</exception>
    public Invocation(TArg argument, ReplyTarget<TRet> target, long token)
    {
        ArgumentNullException.ThrowIfNull(target);
        Argument = argument;
        _target = target;
        _token = token;
    }

    /// <summary>An invocation whose reply is given to a delegate.</summary>
    /// <param name="argument">What is asked.</param>
    /// <param name="callback">Called once, on the thread of the replier, with the reply or the error. What it throws the replier gets.</param>
    /// <exception cref="ArgumentNullException"><paramref name="callback"/> is null.</exception>
    public Invocation(TArg argument, Action<InvocationResult<TRet>> callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        Argument = argument;
        _target = new CallbackTarget<TRet>(callback);
        _token = _target.Arm();
    }

    /// <summary>What is asked.</summary>
    public TArg Argument { get; }

    /// <summary>Whether a reply through this value would still be the first.</summary>
    public bool IsOpen => _target is not null && _target.IsOpen(_token);

    /// <summary>Cancelled when the caller does not wait any more; and for an invocation that is not open.</summary>
    public CancellationToken CancellationToken => _target is null ? new CancellationToken(canceled: true) : _target.CancellationOf(_token);

    /// <summary>Answers the call. Any thread.</summary>
    /// <param name="result">What the caller gets.</param>
    /// <exception cref="InvalidOperationException">The call was answered before, or this value was forwarded or deferred.</exception>
    public void Reply(TRet result)
    {
        if (!TryReply(result))
        {
            ThrowNotOpen();
        }
    }

    /// <summary>Answers the call with an error. Any thread.</summary>
    /// <param name="error">What the caller's wait throws.</param>
    /// <exception cref="InvalidOperationException">As for <see cref="Reply"/>.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="error"/> is null.</exception>
    public void Fail(Exception error)
    {
        if (!TryFail(error))
        {
            ThrowNotOpen();
        }
    }

    /// <summary>As <see cref="Reply"/>, where another thread may have been first.</summary>
    /// <param name="result">What the caller gets.</param>
    /// <returns>Whether this was the reply.</returns>
    public bool TryReply(TRet result) => _target is not null && _target.TryReply(_token, new InvocationResult<TRet>(result));

    /// <summary>As <see cref="Fail"/>, where another thread may have been first.</summary>
    /// <param name="error">What the caller's wait throws.</param>
    /// <returns>Whether this was the reply.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="error"/> is null.</exception>
    public bool TryFail(Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return _target is not null && _target.TryReply(_token, new InvocationResult<TRet>(error));
    }

    /// <summary>
    /// Takes the reply out of the handler's hands, to be given when it is there: the handler may return, and the call stays open. From here on
    /// only the returned value can reply. If it is lost, the garbage collector finds it and the caller gets an error.
    /// </summary>
    /// <returns>The one-shot callback.</returns>
    /// <exception cref="InvalidOperationException">As for <see cref="Reply"/>.</exception>
    public DeferredReply<TRet> Defer()
    {
        Invocation<TArg, TRet> mine = Forward();
        return new DeferredReply<TRet>(mine._target!, mine._token);
    }

    /// <summary>
    /// Gives the call to somebody else: this value and its copies can reply no more, the returned one can. Who forwards sees to it that
    /// somebody replies. Sending an invocation into a channel or a <see cref="FanOut{TArg, TRet}"/> forwards it.
    /// </summary>
    /// <returns>The same call, with the right to reply.</returns>
    /// <exception cref="InvalidOperationException">As for <see cref="Reply"/>.</exception>
    public Invocation<TArg, TRet> Forward()
    {
        long token = _target?.Move(_token) ?? 0;
        if (token == 0)
        {
            ThrowNotOpen();
        }

        return new Invocation<TArg, TRet>(Argument, _target!, token);
    }

    /// <summary>Has the garbage collector fail the call if the ticket is lost before it was returned. The right to reply stays here.</summary>
    internal ReplyTicket<TRet> Guard() => ReplyTicket<TRet>.Rent(_target!, _token);

    /// <summary>Undoes <see cref="Forward"/> where <paramref name="forwarded"/> was given to nobody.</summary>
    internal static void TakeBack(in Invocation<TArg, TRet> forwarded) => forwarded._target!.MoveBack(forwarded._token);

    [DoesNotReturn]
    private static void ThrowNotOpen() =>
        throw new InvalidOperationException("The invocation was answered, forwarded or deferred before: a call has exactly one reply.");
}
