namespace Kestrel.Rpc.Middleware;

/// <summary>
/// One part of a pipeline, and the count of those that still run. A middleware may stop waiting for what it called, at a
/// time-out for example; a call that something of it still runs with must not become another call.
/// </summary>
internal sealed class RpcStep
{
    private readonly Func<RpcContext, RpcDelegate, ValueTask>? _middleware;
    private readonly RpcDelegate _next;

    private RpcStep(Func<RpcContext, RpcDelegate, ValueTask>? middleware, RpcDelegate next)
    {
        _middleware = middleware;
        _next = next;
    }

    /// <summary>Middleware, or a filter, in front of the rest of the pipeline.</summary>
    /// <param name="middleware">Gets the call and the rest.</param>
    /// <param name="next">The rest, which is counted.</param>
    public static RpcDelegate Create(Func<RpcContext, RpcDelegate, ValueTask> middleware, RpcDelegate next) =>
        new RpcStep(middleware, next).InvokeAsync;

    /// <summary>What somebody made of the rest of the pipeline, counted.</summary>
    /// <param name="whole">Stands in the place of <paramref name="next"/>, and may be the same.</param>
    /// <param name="next">The rest, which is counted.</param>
    public static RpcDelegate Create(RpcDelegate whole, RpcDelegate next) => ReferenceEquals(whole, next) ? next : Count(whole);

    /// <summary>The same delegate, counted.</summary>
    public static RpcDelegate Count(RpcDelegate whole) => new RpcStep(null, whole).InvokeAsync;

    private ValueTask InvokeAsync(RpcContext context)
    {
        if (context is not RpcCall call)
        {
            return Run(context);
        }

        if (!call.IsOnStartingThread)
        {
            return RunCounted(call);
        }

        // The frame that started the call is below this one, so the call cannot end before this returns.
        ValueTask running = Run(call);
        if (running.IsCompleted)
        {
            return running;
        }

        call.EnterStep();
        return call.LeaveStepWith(running);
    }

    private ValueTask Run(RpcContext context) => _middleware is null ? _next(context) : _middleware(context, _next);

    // Whoever ends the call may do so while this runs.
    private ValueTask RunCounted(RpcCall call)
    {
        call.EnterStep();
        ValueTask running;
        try
        {
            running = Run(call);
        }
        catch
        {
            call.LeaveStep();
            throw;
        }

        if (!running.IsCompleted)
        {
            return call.LeaveStepWith(running);
        }

        call.LeaveStep();
        return running;
    }
}
