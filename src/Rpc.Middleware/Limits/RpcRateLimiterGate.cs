using System.Threading.RateLimiting;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>A limiter of the application in front of a method. Its code may throw, which fails the call. Any thread.</summary>
/// <param name="attempt">Asks for a lease at once.</param>
/// <param name="acquire">Asks for a lease, waiting if the limiter has a queue.</param>
/// <param name="needsRequest">Whether the limiter looks at the call.</param>
internal sealed class RpcRateLimiterGate(
    Func<RpcServedCall, RateLimitLease> attempt, Func<RpcServedCall, CancellationToken, ValueTask<RateLimitLease>> acquire, bool needsRequest) : RpcGate
{
    private static readonly RpcFault Refusal = RpcFault.Of(RpcStatusCode.ResourceExhausted, "The rate limit of the method is reached.") with { IsNotProcessed = true, Rejection = RpcRejection.RateLimit };

    public override bool NeedsRequest => needsRequest;

    public static RpcRateLimiterGate Of(RateLimiter limiter) =>
        new(_ => limiter.AttemptAcquire(), (_, token) => limiter.AcquireAsync(cancellationToken: token), needsRequest: false);

    public static RpcRateLimiterGate Of(PartitionedRateLimiter<RpcContext> limiter) =>
        new(call => limiter.AttemptAcquire(call), (call, token) => limiter.AcquireAsync(call, cancellationToken: token), needsRequest: true);

    public override RpcGateAnswer TryEnter(RpcServedCall call)
    {
        try
        {
            RateLimitLease lease = attempt(call);
            if (lease.IsAcquired)
            {
                call.PushLease(lease);
                return RpcGateAnswer.Entered;
            }

            GiveBack(lease, call);

            // Only the limiter knows whether it has a queue, and room in it.
            return RpcGateAnswer.Wait;
        }
        catch (Exception exception)
        {
            // Code of the application: a partition that cannot be told, a limiter that was disposed of.
            call.Fail(exception);
            return RpcGateAnswer.Refused;
        }
    }

    public override void Wait(RpcServedCall call) => _ = WaitAsync(call);

    public override void Leave(RpcServedCall call) => GiveBack(call.PopLease(), call);

    private static void GiveBack(RateLimitLease lease, RpcServedCall call)
    {
        try
        {
            lease.Dispose();
        }
        catch (Exception exception)
        {
            // Code of the application, on a thread that has the calls of others to end, too.
            call.OnLeaseFailed(exception);
        }
    }

    private async Task WaitAsync(RpcServedCall call)
    {
        RateLimitLease lease;
        try
        {
            ValueTask<RateLimitLease> acquired = acquire(call, call.CancellationToken);
            bool hasWaited = !acquired.IsCompleted;
            lease = await acquired.ConfigureAwait(false);
            if (!hasWaited && lease.IsAcquired)
            {
                // Not on the thread that reads: the handler may block.
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            }
        }
        catch (Exception exception)
        {
            // Cancelled; or the limiter has failed.
            call.Fail(exception);
            call.Refuse(call.Fault!.Value with { IsNotProcessed = true });
            return;
        }

        if (!lease.IsAcquired)
        {
            GiveBack(lease, call);
            call.Refuse(Refusal);
            return;
        }

        call.PushLease(lease);
        call.WaitedUntil = call.Server.TimeProvider.GetTimestamp();
        call.EnterNextGate();
    }
}
