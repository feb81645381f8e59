using System.Diagnostics.CodeAnalysis;

namespace Kestrel.Rpc.Invocation;

/// <summary>
/// The one-shot callback of a call whose handler has returned or will return before it has the reply. Copies are one callback. Any thread.
/// </summary>
/// <remarks>
/// Whoever knows that there will be no reply says so with <see cref="Dispose"/> or <see cref="Fail"/>. One that is forgotten is found by the
/// garbage collector, and the caller gets an <see cref="InvocationDroppedException"/> then.
/// </remarks>
/// <typeparam name="TRet">The reply.</typeparam>
[SuppressMessage("Performance", "CA1815", Justification = "Callbacks are not compared.")]
public readonly struct DeferredReply<TRet> : IDisposable
{
    private readonly ReplyTarget<TRet>? _target;
    private readonly long _token;
    private readonly ReplyTicket<TRet>? _ticket;

    internal DeferredReply(ReplyTarget<TRet> target, long token)
    {
        _target = target;
        _token = token;
        _ticket = ReplyTicket<TRet>.Rent(target, token);
    }

    /// <summary>Whether a reply would still be the first.</summary>
    public bool IsOpen => _target is not null && _target.IsOpen(_token);

    /// <summary>Cancelled when the caller does not wait any more; and once the reply was given.</summary>
    public CancellationToken CancellationToken => _target is null ? new CancellationToken(canceled: true) : _target.CancellationOf(_token);

    /// <summary>Answers the call.</summary>
    /// <param name="result">What the caller gets.</param>
    /// <exception cref="InvalidOperationException">The call was answered before.</exception>
    public void Reply(TRet result)
    {
        if (!TryReply(result))
        {
            ThrowNotOpen();
        }
    }

    /// <summary>Answers the call with an error.</summary>
    /// <param name="error">What the caller's wait throws.</param>
    /// <exception cref="InvalidOperationException">The call was answered before.</exception>
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
    public bool TryReply(TRet result) => TryAnswer(new InvocationResult<TRet>(result));

    /// <summary>As <see cref="Fail"/>, where another thread may have been first.</summary>
    /// <param name="error">What the caller's wait throws.</param>
    /// <returns>Whether this was the reply.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="error"/> is null.</exception>
    public bool TryFail(Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return TryAnswer(new InvocationResult<TRet>(error));
    }

    /// <summary>Ends the call without a reply: the caller gets an <see cref="InvocationDroppedException"/>. Nothing if it was answered.</summary>
    public void Dispose()
    {
        if (IsOpen)
        {
            _ = TryFail(new InvocationDroppedException("The deferred reply was given up."));
        }
    }

    private bool TryAnswer(in InvocationResult<TRet> result)
    {
        if (_target is null)
        {
            return false;
        }

        bool isFirst = false;
        try
        {
            isFirst = _target.TryReply(_token, in result);
        }
        catch
        {
            // The callback failed, and that is the replier's to know; but it has been called.
            isFirst = true;
            throw;
        }
        finally
        {
            if (isFirst)
            {
                _ticket!.Return();
            }
        }

        return isFirst;
    }

    [DoesNotReturn]
    private static void ThrowNotOpen() => throw new InvalidOperationException("The call was answered before: it has exactly one reply.");
}
