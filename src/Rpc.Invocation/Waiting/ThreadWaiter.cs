using System.Diagnostics.CodeAnalysis;

namespace Kestrel.Rpc.Invocation;

/// <summary>Waits by blocking its thread. Each thread has one.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Lives as long as its thread, and has no handle: nobody asks for WaitHandle.")]
internal sealed class ThreadWaiter : SourceWaiter
{
    [ThreadStatic]
    private static ThreadWaiter? t_mine;

    // No spinning of its own: who wants to spin has done it.
    private readonly ManualResetEventSlim _signalled = new(initialState: false, spinCount: 0);

    private readonly Action _signal;

    private ThreadWaiter() => _signal = _signalled.Set;

    /// <summary>Returns when <paramref name="awaited"/> may be ready.</summary>
    /// <exception cref="OperationCanceledException">Cancelled before that.</exception>
    public static void Wait(IReadiness awaited, CancellationToken cancellation)
    {
        ThreadWaiter waiter = t_mine ??= new ThreadWaiter();
        waiter._signalled.Reset();
        awaited.Arm(waiter);
        if (awaited.IsReady)
        {
            _ = awaited.Disarm(waiter); // told or not: the caller looks in any case
            return;
        }

        try
        {
            waiter._signalled.Wait(cancellation);
        }
        catch (OperationCanceledException)
        {
            if (awaited.Disarm(waiter))
            {
                throw;
            }

            // Told as well as cancelled: somebody relies on it that this thread looks.
        }
    }

    /// <summary>Returns when <paramref name="task"/> has ended.</summary>
    public static void Wait<T>(in ValueTask<T> task)
    {
        ThreadWaiter waiter = t_mine ??= new ThreadWaiter();
        waiter._signalled.Reset();
        task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(waiter._signal);
        waiter._signalled.Wait();
    }

    protected internal override void OnReady() => _signalled.Set();
}
