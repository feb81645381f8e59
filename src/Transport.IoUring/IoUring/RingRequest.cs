namespace Kestrel.Rpc.Transport;

/// <summary>What a loop wants of its ring.</summary>
internal readonly record struct RingRequest
{
    public RingRequest()
    {
    }

    /// <summary>Setup flags that may be asked for; tests take some away to play an older kernel.</summary>
    public uint AllowedFlags { get; init; } = uint.MaxValue;

    /// <summary>
    /// Whether the queue's flags shall tell when completions wait for the next enter, so that a loop that spins need not
    /// enter to find out.
    /// </summary>
    public bool AnnouncesCompletions { get; init; }

    /// <summary>How long a kernel thread looks for requests before it sleeps; <see langword="null"/>: there is none.</summary>
    public TimeSpan? SubmissionPolling { get; init; }

    /// <summary>The processor of that thread; <see langword="null"/> leaves it to the scheduler.</summary>
    public int? SubmissionProcessor { get; init; }
}
