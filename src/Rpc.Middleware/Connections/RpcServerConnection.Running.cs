using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <content>What becomes of the calls that were read, and of the replies made at once. Of the read loop alone.</content>
internal sealed partial class RpcServerConnection
{
    private Batch _batch;
    private RpcCallQueue? _poolCalls; // with the first one
    private RpcCall? _last; // of the thread pool's; runs in place if nothing more comes

    private enum Batch
    {
        None,
        Ours,
        Another,
        Blocked,
    }

    /// <summary>Runs a call where its end point wants it.</summary>
    public void Run(RpcCall call, RpcRoute route, in ReadOnlySequence<byte> body)
    {
        if (route.Endpoint.Admission is { } admission)
        {
            RunLimited(call, route, admission, body);
        }
        else if (call.TryPrepare(route, body))
        {
            Schedule(call, route.Endpoint.Scheduling);
        }
        else
        {
            Reply(call);
        }
    }

    private void Schedule(RpcCall call, RpcScheduling scheduling)
    {
        switch (scheduling)
        {
            case RpcScheduling.ThreadPool:
                AddLast();
                _last = call;
                break;
            case RpcScheduling.Dedicated:
                RunDedicated(call);
                break;
            default:
                RunInline(call);
                break;
        }
    }

    /// <summary>Sends a reply. Those made on this loop leave together when all of a read is done.</summary>
    public void Reply(IOutputItem item)
    {
        if (_batch == Batch.None)
        {
            _batch = Replies.TryEnter() ? Batch.Ours : Batch.Another;
        }

        if (_batch == Batch.Ours)
        {
            Replies.WriteInRole(item);
            if (Replies.IsFull)
            {
                // No more calls while the transport does not take what they answer.
                Replies.Exit();
                _batch = Replies.IsFlushing ? Batch.Blocked : Batch.None;
            }
        }
        else
        {
            Replies.Send(item);
        }
    }

    /// <summary>
    /// Takes the call to run in place of giving up the thread, once the next read waits for bytes: null if there is none, or if this thread
    /// is no thread of the pool. A call that may block would block an event loop there; then it starts on the pool.
    /// </summary>
    public RpcCall? TakeLast()
    {
        if (_last is not null && Thread.CurrentThread.IsThreadPoolThread)
        {
            RpcCall last = _last;
            _last = null;
            return last;
        }

        StartLast();
        return null;
    }

    private void RunInline(RpcCall call)
    {
        ExecutionContext? context = ExecutionContext.Capture();
        if (call.TryRun())
        {
            Reply(call);
        }

        RpcCallIsolation.Restore(context);
    }

    private void RunDedicated(RpcCall call)
    {
        if (!Server.DedicatedThreads!.TryRun(call))
        {
            call.Refuse(RpcDedicatedThreads.Busy);
        }
    }

    private void AddLast()
    {
        if (_last is not null)
        {
            _poolCalls ??= new RpcCallQueue();
            _poolCalls.Add(_last);
            _last = null;
        }
    }

    // Nothing more is read for now, so the last call has the company of the others.
    private void StartLast()
    {
        AddLast();
        _poolCalls?.Start();
    }

    // The last call is kept back.
    private void EndBatch()
    {
        _poolCalls?.Start();
        if (_batch == Batch.Ours)
        {
            Replies.Exit();
        }

        _batch = Batch.None;
    }
}
