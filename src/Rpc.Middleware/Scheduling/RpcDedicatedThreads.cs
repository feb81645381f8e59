using System.Globalization;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Threads that run the calls of methods with <see cref="RpcScheduling.Dedicated"/>, and nothing else. Calls wait in one bounded queue. The
/// threads end with the server; calls that wait then are refused. Any thread.
/// </summary>
internal sealed class RpcDedicatedThreads : IDisposable
{
    /// <summary>What the caller is told when the queue is full.</summary>
    public static readonly RpcFault Busy = Refused(RpcStatusCode.ResourceExhausted, "Too many calls wait for a thread.");

    private static readonly RpcFault Stopped = Refused(RpcStatusCode.Unavailable, "The server stops.");

    private readonly object _lock = new(); // Monitor: its waits are what wakes one thread for one call
    private readonly IRpcDedicatedWork?[] _waiting; // a ring, as the next two under the lock
    private int _first;
    private int _count;
    private bool _isStopped;

    public RpcDedicatedThreads(RpcDedicatedOptions options)
    {
        _waiting = new IRpcDedicatedWork?[options.MaxWaitingCalls];
        for (int i = 1; i <= options.ThreadCount; i++)
        {
            Thread thread = new(Work)
            {
                Name = string.Create(CultureInfo.InvariantCulture, $"RPC dedicated {i}"),
                IsBackground = true, // a handler that never returns does not keep the process alive
            };
            thread.UnsafeStart();
        }
    }

    /// <summary>Calls that wait for a thread.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
    }

    /// <summary>Hands a call, or what is left of one, over.</summary>
    /// <returns>False if too many wait already.</returns>
    public bool TryRun(IRpcDedicatedWork work)
    {
        lock (_lock)
        {
            if (_count == _waiting.Length || _isStopped)
            {
                return false;
            }

            int end = _first + _count++;
            _waiting[end < _waiting.Length ? end : end - _waiting.Length] = work;
            Monitor.Pulse(_lock);
            return true;
        }
    }

    /// <summary>Ends the threads that have nothing to do, and the others when their call returns.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isStopped = true;
            Monitor.PulseAll(_lock);
        }
    }

    private static RpcFault Refused(RpcStatusCode code, string message) =>
        RpcFault.Of(code, message) with { IsNotProcessed = true, Rejection = code == RpcStatusCode.ResourceExhausted ? RpcRejection.Threads : RpcRejection.ByStatus };

    private void Work()
    {
        ExecutionContext? context = ExecutionContext.Capture();
        while (Take(out bool isStopped) is { } work)
        {
            if (isStopped)
            {
                work.Refuse(Stopped);
                continue;
            }

            work.Execute();
            RpcCallIsolation.Restore(context);
        }
    }

    // Null if all is over.
    private IRpcDedicatedWork? Take(out bool isStopped)
    {
        lock (_lock)
        {
            while (_count == 0 && !_isStopped)
            {
                Monitor.Wait(_lock);
            }

            isStopped = _isStopped;
            if (_count == 0)
            {
                return null;
            }

            IRpcDedicatedWork? work = _waiting[_first];
            _waiting[_first] = null;
            _first = _first + 1 < _waiting.Length ? _first + 1 : 0;
            _count--;
            return work;
        }
    }
}
