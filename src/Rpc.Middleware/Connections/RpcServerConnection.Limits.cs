using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <content>Calls that pass limits before they run. Of the read loop alone, but for what says otherwise.</content>
internal sealed partial class RpcServerConnection
{
    private volatile bool _isInPlace; // a call runs, and nothing is read until it has ended; any thread ends it

    /// <summary>The bound on its calls that run, with the first of them; null without one.</summary>
    public RpcConcurrencyGate? CallGate { get; set; }

    /// <summary>Runs a call that was let in later. Any thread of the pool.</summary>
    public void RunElsewhere(RpcCall call, RpcScheduling scheduling)
    {
        if (scheduling == RpcScheduling.Dedicated)
        {
            RunDedicated(call);
        }
        else
        {
            call.Execute();
        }
    }

    /// <summary>The call that nothing was read for has ended. Any thread.</summary>
    public void OnInPlaceEnded()
    {
        _isInPlace = false;
        Replies.Wake();
    }

    private void RunLimited(RpcCall call, RpcRoute route, RpcAdmission admission, in ReadOnlySequence<byte> body)
    {
        call.Face(route, admission);
        bool isPrepared = admission.NeedsRequest;
        if (isPrepared && !call.TryPrepare(route, body))
        {
            Turn(call);
            return;
        }

        RpcGateAnswer answer = admission.TryEnter(call);
        bool isInPlace = false;
        while (answer == RpcGateAnswer.InPlace)
        {
            if (route.Endpoint.Shape != RpcMethodShape.Unary)
            {
                call.Fault = RpcConcurrencyGate.TooMany;
                answer = RpcGateAnswer.Refused;
                break;
            }

            isInPlace = true;
            call.PassGate();
            answer = admission.TryEnter(call);
        }

        if (answer == RpcGateAnswer.Refused)
        {
            // Before anything is made of the body: what is refused must cost little.
            Turn(call);
            return;
        }

        if (!isPrepared && !call.TryPrepare(route, body))
        {
            Turn(call);
            return;
        }

        if (isInPlace)
        {
            call.IsInPlace = true;
            _isInPlace = true;
        }

        if (answer == RpcGateAnswer.Wait)
        {
            admission.Wait(call);
        }
        else if (!isInPlace)
        {
            Schedule(call, route.Endpoint.Scheduling);
        }
        else if (Thread.CurrentThread.IsThreadPoolThread)
        {
            // It may block: calls that were read before it start elsewhere, and neither their replies nor those of others wait for it.
            StartLast();
            EndBatch();
            RunInline(call);
        }
        else
        {
            // An event loop, which others need.
            ThreadPool.UnsafeQueueUserWorkItem(call, preferLocal: false);
        }
    }

    // Answers a call that does not run.
    private void Turn(RpcCall call)
    {
        if (!call.TryTurn())
        {
            Reply(call);
        }
    }
}
