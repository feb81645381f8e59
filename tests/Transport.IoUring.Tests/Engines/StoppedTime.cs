namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Time stamps that move only when a test says so. Timers are the system's.</summary>
internal sealed class StoppedTime : TimeProvider
{
    private long _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Volatile.Read(ref _now);

    public void Advance(TimeSpan time) => Interlocked.Add(ref _now, time.Ticks);
}
