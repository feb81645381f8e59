using Hello;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A handler that holds every call until the test opens it, and counts them. The message "free" passes.</summary>
internal sealed class Gate
{
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private readonly List<(int Count, TaskCompletionSource Reached)> _waiters = [];
    private int _running;

    public int Started { get; private set; }

    public int MostAtOnce { get; private set; }

    /// <summary>Calls whose token was cancelled.</summary>
    public int Cancelled { get; private set; }

    public async Task<HelloReply> HandleAsync(HelloRequest request, CancellationToken cancellationToken)
    {
        if (request.Msg != "free")
        {
            Enter();
            try
            {
                await _open.Task.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                lock (_lock)
                {
                    Cancelled++;
                }

                throw;
            }
            finally
            {
                Interlocked.Decrement(ref _running);
            }
        }

        return new HelloReply { Msg = request.Msg };
    }

    public void Open() => _open.SetResult();

    public Task WaitForStartedAsync(int count)
    {
        lock (_lock)
        {
            TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
            if (Started >= count)
            {
                reached.SetResult();
            }
            else
            {
                _waiters.Add((count, reached));
            }

            return reached.Task.InTime();
        }
    }

    private void Enter()
    {
        lock (_lock)
        {
            Started++;
            MostAtOnce = Math.Max(MostAtOnce, Interlocked.Increment(ref _running));
            foreach ((int count, TaskCompletionSource reached) in _waiters)
            {
                if (Started >= count)
                {
                    reached.TrySetResult();
                }
            }
        }
    }
}
