using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Counts the parts of a pipeline that still run. A middleware may stop waiting for what it called, at a time-out for example;
/// a call that something of it still runs with must not become another call.
/// </summary>
internal static class RpcSteps
{
    /// <summary>The same delegate, counted. Only what middleware calls needs it: the call itself waits for the outermost one.</summary>
    public static RpcDelegate Count(RpcDelegate step) => context => context is RpcCall call ? Run(call, step) : step(context);

    private static ValueTask Run(RpcCall call, RpcDelegate step)
    {
        call.EnterStep();
        ValueTask running;
        try
        {
            running = step(call);
        }
        catch
        {
            call.LeaveStep();
            throw;
        }

        if (!running.IsCompletedSuccessfully)
        {
            return Await(call, running);
        }

        call.LeaveStep();
        return running;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask Await(RpcCall call, ValueTask running)
    {
        try
        {
            await running.ConfigureAwait(false);
        }
        finally
        {
            call.LeaveStep();
        }
    }
}
