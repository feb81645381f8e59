using System.IO.Pipelines;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport;

/// <summary>What all connections of one transport have in common: the options, as they were when it started.</summary>
internal sealed class ConnectionSettings
{
    private readonly PipeScheduler _applicationScheduler;
    private readonly long _maxReadBufferSize;
    private readonly long _maxWriteBufferSize;

    public ConnectionSettings(LinuxTransportOptions options, ILogger logger)
    {
        Logger = logger;
        NoDelay = options.NoDelay;
        FinOnError = options.FinOnError;
        _applicationScheduler = options.ApplicationScheduling == ApplicationScheduling.Inline ? PipeScheduler.Inline : PipeScheduler.ThreadPool;
        _maxReadBufferSize = options.MaxReadBufferSize ?? 0; // 0 is a pipe's word for no limit
        _maxWriteBufferSize = options.MaxWriteBufferSize ?? 0;
    }

    public ILogger Logger { get; }

    public bool NoDelay { get; }

    public bool FinOnError { get; }

    public PipeOptions CreateInputOptions(EventLoop loop) => new(
        loop.MemoryPool,
        readerScheduler: _applicationScheduler,
        writerScheduler: loop,
        pauseWriterThreshold: _maxReadBufferSize,
        resumeWriterThreshold: _maxReadBufferSize / 2,
        useSynchronizationContext: false);

    public PipeOptions CreateOutputOptions(EventLoop loop) => new(
        loop.MemoryPool,
        readerScheduler: loop,
        writerScheduler: _applicationScheduler,
        pauseWriterThreshold: _maxWriteBufferSize,
        resumeWriterThreshold: _maxWriteBufferSize / 2,
        useSynchronizationContext: false);
}
