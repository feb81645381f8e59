using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kestrel.Rpc.Middleware;

/// <summary>What connections are looked at for, with times as differences of timestamps. Immutable.</summary>
internal sealed class RpcConnectionWatch
{
    // A client makes a call as soon as it is connected.
    private static readonly TimeSpan RefusalTimeout = TimeSpan.FromSeconds(5);

    private readonly double _frequency;
    private readonly double _bytesPerSecond;
    private readonly long _grace;

    public RpcConnectionWatch(RpcServerConnectionOptions options, TimeProvider time)
    {
        Options = options;
        _frequency = time.TimestampFrequency;
        IdleTime = Ticks(options.IdleTimeout);
        SendTime = Ticks(options.SendTimeout);
        RefusalTime = Ticks(RefusalTimeout);
        MinDataRate? rate = options.MinRequestDataRate;
        _bytesPerSecond = rate?.BytesPerSecond ?? 0;
        _grace = rate is null ? long.MaxValue : Ticks(rate.GracePeriod);
    }

    /// <summary>The options that it was made of.</summary>
    public RpcServerConnectionOptions Options { get; }

    /// <summary>Whether there is anything to look for.</summary>
    public bool IsNeeded => IdleTime != long.MaxValue || SendTime != long.MaxValue || _grace != long.MaxValue;

    /// <summary>How long a connection may have nothing under way; the largest number for ever.</summary>
    public long IdleTime { get; }

    /// <summary>How long a flush may take; the largest number for ever.</summary>
    public long SendTime { get; }

    /// <summary>How long a connection beyond the bound may make no call that is refused.</summary>
    public long RefusalTime { get; }

    /// <summary>Whether a frame comes too slowly.</summary>
    /// <param name="elapsed">Time since it was begun.</param>
    /// <param name="length">Bytes of it.</param>
    public bool IsTooSlow(long elapsed, long length) => elapsed > _grace && length < elapsed / _frequency * _bytesPerSecond;

    private long Ticks(TimeSpan time) => time == Timeout.InfiniteTimeSpan ? long.MaxValue : (long)(time.TotalSeconds * _frequency);
}
