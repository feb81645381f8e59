namespace Kestrel.Rpc.Middleware;

/// <content>Which parts of its pipeline still run; see <see cref="RpcStep"/>.</content>
internal sealed partial class RpcCall
{
    // More than a pipeline has parts. A middleware that never looks at what it called uses one up each time.
    private const int MaxPendingSteps = 16;

    private RpcPendingStep? _pendingSteps;
    private int _pendingStepCount;
    private int _runningSteps;
    private int _startingThread;

    /// <summary>Whether a part of the pipeline still runs that nobody waits for any more.</summary>
    public bool HasRunningSteps => Volatile.Read(ref _runningSteps) != 0;

    /// <summary>Whether this thread runs the pipeline's synchronous part, with <see cref="TryRun"/> below on its stack.</summary>
    public bool IsOnStartingThread => _startingThread == Environment.CurrentManagedThreadId;

    /// <summary>Notes that a middleware has called the rest of the pipeline. Any thread, as <see cref="LeaveStep"/>.</summary>
    public void EnterStep() => Interlocked.Increment(ref _runningSteps);

    /// <summary>Notes that the rest of the pipeline has ended. It does not touch the call after this.</summary>
    public void LeaveStep() => Interlocked.Decrement(ref _runningSteps);

    /// <summary>Notes the end of a part that was entered when its task ends.</summary>
    /// <param name="running">The task of the part, which is pending.</param>
    /// <returns>What the part's caller gets: ends after the note.</returns>
    public ValueTask LeaveStepWith(ValueTask running) => TakePendingStep().Follow(running);

    // Any thread: parts that nobody waits for may take one while another part does.
    private RpcPendingStep TakePendingStep()
    {
        for (RpcPendingStep? step = Volatile.Read(ref _pendingSteps); step is not null; step = step.Next)
        {
            if (step.TryTake())
            {
                return step;
            }
        }

        RpcPendingStep added = new(this);
        if (Interlocked.Increment(ref _pendingStepCount) > MaxPendingSteps)
        {
            Interlocked.Decrement(ref _pendingStepCount);
            return added;
        }

        do
        {
            added.Next = Volatile.Read(ref _pendingSteps);
        }
        while (Interlocked.CompareExchange(ref _pendingSteps, added, added.Next) != added.Next);

        return added;
    }
}
