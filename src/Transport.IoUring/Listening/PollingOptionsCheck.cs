namespace Kestrel.Rpc.Transport;

/// <summary>Refuses values of the polling and processor options that make no sense on this machine, naming the option.</summary>
internal static class PollingOptionsCheck
{
    private static readonly TimeSpan MaxSpinTime = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MaxIdleTime = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MaxNapiTime = TimeSpan.FromSeconds(1);

    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static void Validate(LinuxTransportOptions options)
    {
        PollingOptions polling = options.Polling;
        if (polling.SpinTime != Timeout.InfiniteTimeSpan && (polling.SpinTime < TimeSpan.Zero || polling.SpinTime > MaxSpinTime))
        {
            throw OptionsCheck.OutOfRange("Polling.SpinTime", polling.SpinTime, "0 to 1 minute, or Timeout.InfiniteTimeSpan");
        }

        TimeSpan napi = polling.NapiBusyPollTime;
        if (napi < TimeSpan.Zero || napi > MaxNapiTime || napi.Ticks % TimeSpan.TicksPerMicrosecond != 0)
        {
            throw OptionsCheck.OutOfRange("Polling.NapiBusyPollTime", napi, "0, or 1 microsecond to 1 second in whole microseconds");
        }

        ValidateProcessors(nameof(options.LoopProcessors), options.LoopProcessors);
        if (options is IoUringTransportOptions ring)
        {
            ValidateRing(ring);
        }
    }

    private static void ValidateRing(IoUringTransportOptions options)
    {
        SubmissionPollingOptions submission = options.SubmissionPolling;
        TimeSpan idle = submission.IdleTime;
        if (idle <= TimeSpan.Zero || idle > MaxIdleTime || idle.Ticks % TimeSpan.TicksPerMillisecond != 0)
        {
            throw OptionsCheck.OutOfRange("SubmissionPolling.IdleTime", idle, "1 millisecond to 1 minute in whole milliseconds");
        }

        ValidateProcessors("SubmissionPolling.Processors", submission.Processors);

        // The kernel polls the card in the waits of whoever waits: the loop, or its own thread.
        if (options.Polling.SpinTime == Timeout.InfiniteTimeSpan && options.Polling.NapiBusyPollTime != TimeSpan.Zero && !submission.Enabled)
        {
            throw OptionsCheck.OutOfRange(
                "Polling.NapiBusyPollTime", options.Polling.NapiBusyPollTime, "0 on io_uring where loops never wait in the kernel (SpinTime is infinite)");
        }
    }

    private static void ValidateProcessors(string option, IList<int> processors)
    {
        if (processors.Count == 0)
        {
            return;
        }

        int[] allowed = Processors.Allowed();
        foreach (int processor in processors)
        {
            if (!allowed.Contains(processor))
            {
                throw OptionsCheck.OutOfRange(option, processor, $"a list of processors that this process may use ({string.Join(", ", allowed)})");
            }
        }
    }
}
