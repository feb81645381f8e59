using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Finds out who makes a call, in front of limiters that ask for it. Since no bound on calls is in front of this, as many are verified at once as the server's bound lets run, and the others are
/// refused; without one as many as are in flight. Any thread.
/// </summary>
/// <param name="authentication">Who says so.</param>
/// <param name="bound">The server's bound; null without one, or for methods that it does not hold for.</param>
internal sealed class RpcAuthenticationGate(RpcCallAuthentication authentication, RpcConcurrencyGate? bound) : RpcGate
{
    private int _verifying;

    public override RpcGateAnswer TryEnter(RpcServedCall served)
    {
        if (served is not RpcCall call)
        {
            // Verified already, as calls over HTTP are before their first limit.
            return RpcGateAnswer.Entered;
        }

        RpcGateAnswer answer = authentication.TryEnter(call);
        if (answer != RpcGateAnswer.Wait || Interlocked.Increment(ref _verifying) <= (bound?.Limit ?? int.MaxValue))
        {
            return answer;
        }

        Interlocked.Decrement(ref _verifying);
        call.Fault = RpcConcurrencyGate.TooMany;
        return RpcGateAnswer.Refused;
    }

    public override void Wait(RpcServedCall call) => _ = VerifyAsync((RpcCall)call);

    public override void Leave(RpcServedCall call)
    {
        // A call that is verified is not counted here any more.
    }

    private async Task VerifyAsync(RpcCall call)
    {
        try
        {
            await authentication.VerifyAsync(call).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Not accepted, or cancelled.
            Interlocked.Decrement(ref _verifying);
            call.Fail(exception);
            call.Refuse(call.Fault!.Value with { IsNotProcessed = true });
            return;
        }

        Interlocked.Decrement(ref _verifying);
        call.WaitedUntil = call.Owner.Server.TimeProvider.GetTimestamp();
        call.EnterNextGate();
    }
}
