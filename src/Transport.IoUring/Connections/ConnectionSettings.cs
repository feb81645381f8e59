using System.IO.Pipelines;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport;

/// <summary>What all connections of one transport have in common: the options, as they were when it started.</summary>
internal class ConnectionSettings
{
    private readonly ApplicationScheduling _scheduling;

    public ConnectionSettings(LinuxTransportOptions options, ILogger logger, TimeProvider? timeProvider = null)
    {
        Loops = new LoopSettings(options, timeProvider ?? TimeProvider.System);
        Logger = logger;
        NoDelay = options.NoDelay;
        FinOnError = options.FinOnError;
        _scheduling = options.ApplicationScheduling;
        MaxReadBufferSize = options.MaxReadBufferSize ?? 0;
        MaxWriteBufferSize = options.MaxWriteBufferSize ?? 0;
    }

    public ILogger Logger { get; }

    /// <summary>What concerns the loops that serve the connections.</summary>
    public LoopSettings Loops { get; }

    /// <summary>Bounds the connections of these settings; <see langword="null"/>: nothing does.</summary>
    public ConnectionLimit? Limit { get; init; }

    public bool NoDelay { get; }

    public bool FinOnError { get; }

    /// <summary>Bytes; 0 means no limit.</summary>
    public long MaxReadBufferSize { get; }

    /// <summary>Bytes; 0 means no limit.</summary>
    public long MaxWriteBufferSize { get; }

    /// <summary>Runs the application's continuations of the connections of <paramref name="loop"/>.</summary>
    public virtual PipeScheduler CreateApplicationScheduler(EventLoop loop) =>
        _scheduling == ApplicationScheduling.Inline ? new InlineScheduler(loop) : new PoolScheduler(loop);
}
