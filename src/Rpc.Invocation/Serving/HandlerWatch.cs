using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Invocation;

/// <summary>Somebody who wants to know when a handler has ended.</summary>
internal interface IHandlerOwner
{
    void OnHandlerEnded();
}

/// <summary>Waits for the end of a handler that nobody awaits; pooled, so that it allocates nothing.</summary>
internal sealed class HandlerWatch
{
    private static readonly BoundedRing<HandlerWatch> Pool = new(1024);

    private readonly Action _onEnded;
    private ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter _handling;
    private IHandlerOwner? _owner;

    private HandlerWatch() => _onEnded = OnEnded;

    /// <param name="handling">Of <see cref="InvocationHandler.DispatchAsync"/>, so it does not fault.</param>
    /// <param name="owner">Told of the end.</param>
    public static void Start(in ValueTask handling, IHandlerOwner? owner)
    {
        if (!Pool.TryDequeue(out HandlerWatch? watch))
        {
            watch = new HandlerWatch();
        }

        watch._owner = owner;
        ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter awaiter = handling.ConfigureAwait(false).GetAwaiter();
        watch._handling = awaiter;
        awaiter.UnsafeOnCompleted(watch._onEnded); // through the copy: the watch may be somebody else's by the time this returns
    }

    private void OnEnded()
    {
        IHandlerOwner? owner = _owner;
        ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter handling = _handling;
        _owner = null;
        _handling = default;
        _ = Pool.TryEnqueue(this);
        try
        {
            handling.GetResult();
        }
        finally
        {
            owner?.OnHandlerEnded();
        }
    }
}
