using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport;

/// <summary>What all connections of one transport have in common: the options, as they were when it started.</summary>
internal sealed class InProcessSettings
{
    public InProcessSettings(InProcessTransportOptions options, MemoryPool<byte> memoryPool, ILogger logger)
    {
        MemoryPool = memoryPool;
        Logger = logger;
        Backlog = options.Backlog;
        FinOnError = options.FinOnError;
        PipeScheduler scheduler = options.Scheduling == InProcessScheduling.Inline ? PipeScheduler.Inline : PipeScheduler.ThreadPool;
        ToServer = CreatePipeOptions(options.MaxReadBufferSize, scheduler);
        ToClient = CreatePipeOptions(options.MaxWriteBufferSize, scheduler);
    }

    public MemoryPool<byte> MemoryPool { get; }

    public ILogger Logger { get; }

    public int Backlog { get; }

    public bool FinOnError { get; }

    public PipeOptions ToServer { get; }

    public PipeOptions ToClient { get; }

    private PipeOptions CreatePipeOptions(long? limit, PipeScheduler scheduler) => new(
        MemoryPool,
        readerScheduler: scheduler,
        writerScheduler: scheduler,
        pauseWriterThreshold: limit ?? 0, // 0: never
        resumeWriterThreshold: Math.Max((limit ?? 0) / 2, 1), // with 0 a pause would never end
        useSynchronizationContext: false);
}
