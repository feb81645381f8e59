namespace Kestrel.Rpc.Transport;

/// <summary>What all loops of one transport have in common: the options, as they were when it started.</summary>
internal sealed class LoopSettings
{
    private readonly int[] _processors;

    public LoopSettings(LinuxTransportOptions options, TimeProvider timeProvider)
    {
        TimeProvider = timeProvider;
        SpinTime = options.Polling.SpinTime;
        NapiBusyPollTime = options.Polling.NapiBusyPollTime;
        _processors = [.. options.LoopProcessors];
    }

    public TimeProvider TimeProvider { get; }

    public TimeSpan SpinTime { get; }

    public TimeSpan NapiBusyPollTime { get; }

    /// <summary>The processor that loop <paramref name="index"/> runs on; <see langword="null"/> leaves it to the scheduler.</summary>
    public int? ProcessorOf(int index) => _processors.Length == 0 ? null : _processors[index % _processors.Length];
}
