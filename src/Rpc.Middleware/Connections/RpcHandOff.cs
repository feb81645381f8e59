using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Awaits the next read of a connection. If bytes have to be waited for, the reader's role is given up first, and then this thread runs
/// the last call that was read: whoever gets the bytes goes on reading, however long that call takes.
/// </summary>
internal readonly struct RpcHandOff(RpcServerConnection connection, ValueTask<ReadResult> read) : ICriticalNotifyCompletion
{
    private readonly ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter _read = read.ConfigureAwait(false).GetAwaiter();

    public bool IsCompleted => _read.IsCompleted;

    public RpcHandOff GetAwaiter() => this;

    public ReadResult GetResult() => _read.GetResult();

    public void OnCompleted(Action continuation) => throw new NotSupportedException("The read loop does not flow its context.");

    public void UnsafeOnCompleted(Action continuation)
    {
        // Once the continuation is registered, another thread may be reading: the connection is not this thread's any more.
        connection.OnReadPending();
        RpcCall? last = connection.TakeLast();
        _read.UnsafeOnCompleted(continuation);
        if (last is not null)
        {
            RpcCallIsolation.RunApart(last);
        }
    }
}
