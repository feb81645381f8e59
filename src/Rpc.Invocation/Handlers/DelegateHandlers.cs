using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Invocation;

/// <summary>A delegate that gets the whole invocation.</summary>
internal sealed class InvocationDelegateHandler<TArg, TRet>(Func<Invocation<TArg, TRet>, ValueTask> handle) : IInvocationHandler<TArg, TRet>
{
    public ValueTask HandleAsync(Invocation<TArg, TRet> invocation) => handle(invocation);
}

/// <summary>A plain function.</summary>
internal sealed class FunctionHandler<TArg, TRet>(Func<TArg, TRet> function) : IInvocationHandler<TArg, TRet>
{
    public ValueTask HandleAsync(Invocation<TArg, TRet> invocation)
    {
        // Where the function has outrun the reply of somebody else, it is the second one: not its fault.
        _ = invocation.TryReply(function(invocation.Argument));
        return default;
    }
}

/// <summary>An asynchronous function.</summary>
internal sealed class AsyncFunctionHandler<TArg, TRet>(Func<TArg, CancellationToken, ValueTask<TRet>> function) : IInvocationHandler<TArg, TRet>
{
    public ValueTask HandleAsync(Invocation<TArg, TRet> invocation)
    {
        ValueTask<TRet> result = function(invocation.Argument, invocation.CancellationToken);
        if (result.IsCompletedSuccessfully)
        {
            _ = invocation.TryReply(result.Result);
            return default;
        }

        // Guarded: should the function wait for something that never comes, and that nobody holds, the caller hears of it.
        return ReplyAsync(result, invocation, invocation.Guard());
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask ReplyAsync(ValueTask<TRet> result, Invocation<TArg, TRet> invocation, ReplyTicket<TRet> guard)
    {
        try
        {
            _ = invocation.TryReply(await result.ConfigureAwait(false));
        }
        finally
        {
            guard.Return();
        }
    }
}

/// <summary>What stands around another handler.</summary>
internal sealed class AroundHandler<TArg, TRet>(
    IInvocationHandler<TArg, TRet> inner,
    Func<Invocation<TArg, TRet>, IInvocationHandler<TArg, TRet>, ValueTask> around) : IInvocationHandler<TArg, TRet>
{
    public ValueTask HandleAsync(Invocation<TArg, TRet> invocation) => around(invocation, inner);
}

/// <summary>A handler chosen for each call.</summary>
internal sealed class RouteHandler<TArg, TRet>(Func<TArg, IInvocationHandler<TArg, TRet>?> choose) : IInvocationHandler<TArg, TRet>
{
    public ValueTask HandleAsync(Invocation<TArg, TRet> invocation)
    {
        if (choose(invocation.Argument) is { } chosen)
        {
            return chosen.HandleAsync(invocation);
        }

        invocation.Fail(new InvocationRejectedException("There is no handler for this call."));
        return default;
    }
}
