namespace Kestrel.Rpc.Transport;

/// <summary>Refuses option values that make no sense, naming the option.</summary>
internal static class OptionsCheck
{
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static void Validate(LinuxTransportOptions options)
    {
        if (options.LoopCount is < 1 or > 256)
        {
            throw OutOfRange(nameof(options.LoopCount), options.LoopCount, "1 to 256, or null");
        }

        if (!Enum.IsDefined(options.ApplicationScheduling))
        {
            throw OutOfRange(nameof(options.ApplicationScheduling), options.ApplicationScheduling, "ThreadPool or Inline");
        }

        if (!Enum.IsDefined(options.AcceptStrategy))
        {
            throw OutOfRange(nameof(options.AcceptStrategy), options.AcceptStrategy, "SharedListener or ReusePort");
        }

        if (options.MaxReadBufferSize is <= 0)
        {
            throw OutOfRange(nameof(options.MaxReadBufferSize), options.MaxReadBufferSize, "at least 1 byte, or null");
        }

        if (options.MaxWriteBufferSize is <= 0)
        {
            throw OutOfRange(nameof(options.MaxWriteBufferSize), options.MaxWriteBufferSize, "at least 1 byte, or null");
        }

        if (options is BlockingTransportOptions { LoopCount: not null })
        {
            throw OutOfRange(nameof(options.LoopCount), options.LoopCount, "null where every connection has a thread of its own");
        }

        if (options is BlockingTransportOptions && options.AcceptStrategy != AcceptStrategy.SharedListener)
        {
            throw OutOfRange(nameof(options.AcceptStrategy), options.AcceptStrategy, "SharedListener where every connection has a thread of its own");
        }

        if (options is BlockingTransportOptions && options.Polling.NapiBusyPollTime != TimeSpan.Zero)
        {
            throw OutOfRange("Polling.NapiBusyPollTime", options.Polling.NapiBusyPollTime, "0 on the blocking transport, whose waits cannot ask for it");
        }

        if (options.MaxConnections is < 1)
        {
            throw OutOfRange(nameof(options.MaxConnections), options.MaxConnections, "at least 1, or null");
        }

        if (options.Backlog < 1)
        {
            throw OutOfRange(nameof(options.Backlog), options.Backlog, "at least 1");
        }

        // A timer takes a little more; whole days are easier to remember.
        if (options.ConnectTimeout != Timeout.InfiniteTimeSpan
            && (options.ConnectTimeout <= TimeSpan.Zero || options.ConnectTimeout > TimeSpan.FromDays(49)))
        {
            throw OutOfRange(nameof(options.ConnectTimeout), options.ConnectTimeout, "more than 0, up to 49 days, or infinite");
        }

        if (options is IoUringTransportOptions { Fallback: var fallback } && !Enum.IsDefined(fallback))
        {
            throw OutOfRange(nameof(IoUringTransportOptions.Fallback), fallback, "Epoll or Fail");
        }

        PollingOptionsCheck.Validate(options);
    }

    internal static ArgumentOutOfRangeException OutOfRange(string option, object? value, string range) =>
        new(option, value, $"The transport option {option} must be {range}.");
}
