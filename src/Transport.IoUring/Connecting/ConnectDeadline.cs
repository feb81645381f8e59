namespace Kestrel.Rpc.Transport;

/// <summary>How long the connecting that begins with it may still take.</summary>
internal readonly struct ConnectDeadline(TimeSpan timeout, TimeProvider timeProvider)
{
    private readonly long _start = timeProvider.GetTimestamp();

    /// <summary>What is left of the time, at least zero; <see cref="Timeout.InfiniteTimeSpan"/> without a limit.</summary>
    public TimeSpan Left => ShareOf(1);

    /// <summary>What one of several tries may take, if each is to have as much.</summary>
    public TimeSpan ShareOf(int tries)
    {
        if (timeout == Timeout.InfiniteTimeSpan)
        {
            return timeout;
        }

        TimeSpan left = timeout - timeProvider.GetElapsedTime(_start);
        return left > TimeSpan.Zero ? left / tries : TimeSpan.Zero;
    }
}
