namespace Kestrel.Rpc.Invocation;

/// <summary>Makes handlers of delegates, puts handlers together, and calls them without a source.</summary>
public static partial class InvocationHandler
{
    /// <summary>A handler that gets the invocation and replies through it, at once or later.</summary>
    /// <param name="handle">As <see cref="IInvocationHandler{TArg, TRet}.HandleAsync"/>.</param>
    /// <typeparam name="TArg">The argument.</typeparam>
    /// <typeparam name="TRet">The reply.</typeparam>
    /// <returns>The handler.</returns>
    public static IInvocationHandler<TArg, TRet> Create<TArg, TRet>(Func<Invocation<TArg, TRet>, ValueTask> handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        return new InvocationDelegateHandler<TArg, TRet>(handle);
    }

    /// <summary>As above, for a delegate that has done its part when it returns.</summary>
    /// <param name="handle">Replies, forwards or defers.</param>
    /// <typeparam name="TArg">The argument.</typeparam>
    /// <typeparam name="TRet">The reply.</typeparam>
    /// <returns>The handler.</returns>
    public static IInvocationHandler<TArg, TRet> Create<TArg, TRet>(Action<Invocation<TArg, TRet>> handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        return new InvocationDelegateHandler<TArg, TRet>(invocation =>
        {
            handle(invocation);
            return default;
        });
    }

    /// <summary>A handler whose reply is the function's result.</summary>
    /// <param name="function">From argument to reply.</param>
    /// <typeparam name="TArg">The argument.</typeparam>
    /// <typeparam name="TRet">The reply.</typeparam>
    /// <returns>The handler.</returns>
    public static IInvocationHandler<TArg, TRet> FromFunction<TArg, TRet>(Func<TArg, TRet> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return new FunctionHandler<TArg, TRet>(function);
    }

    /// <summary>A handler whose reply is what the function's task brings.</summary>
    /// <param name="function">From argument to reply; the token is cancelled when the caller does not wait any more.</param>
    /// <typeparam name="TArg">The argument.</typeparam>
    /// <typeparam name="TRet">The reply.</typeparam>
    /// <returns>The handler.</returns>
    public static IInvocationHandler<TArg, TRet> FromAsyncFunction<TArg, TRet>(Func<TArg, CancellationToken, ValueTask<TRet>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return new AsyncFunctionHandler<TArg, TRet>(function);
    }

    /// <summary>Puts something around a handler: it may reply itself, call the handler, or do something before and after that.</summary>
    /// <param name="inner">The handler.</param>
    /// <param name="around">Gets the invocation and <paramref name="inner"/>.</param>
    /// <typeparam name="TArg">The argument.</typeparam>
    /// <typeparam name="TRet">The reply.</typeparam>
    /// <returns>Both as one handler.</returns>
    public static IInvocationHandler<TArg, TRet> Around<TArg, TRet>(
        this IInvocationHandler<TArg, TRet> inner,
        Func<Invocation<TArg, TRet>, IInvocationHandler<TArg, TRet>, ValueTask> around)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(around);
        return new AroundHandler<TArg, TRet>(inner, around);
    }

    /// <summary>A handler that gives each call to one of several.</summary>
    /// <param name="choose">The handler for an argument; for <see langword="null"/> the caller gets an <see cref="InvocationRejectedException"/>.</param>
    /// <typeparam name="TArg">The argument.</typeparam>
    /// <typeparam name="TRet">The reply.</typeparam>
    /// <returns>All of them as one handler.</returns>
    public static IInvocationHandler<TArg, TRet> Route<TArg, TRet>(Func<TArg, IInvocationHandler<TArg, TRet>?> choose)
    {
        ArgumentNullException.ThrowIfNull(choose);
        return new RouteHandler<TArg, TRet>(choose);
    }
}
