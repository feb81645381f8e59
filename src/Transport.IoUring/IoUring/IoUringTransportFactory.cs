using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Transport;

/// <summary>Listens and connects with the io_uring engine, or with the epoll engine where the kernel has no usable io_uring.</summary>
internal sealed class IoUringTransportFactory : TransportFactory
{
    private readonly IoUringTransportOptions _options;

    public IoUringTransportFactory(
        IOptions<IoUringTransportOptions> options,
        ILoggerFactory loggers,
        IMemoryPoolFactory<byte>? memoryPools = null,
        TimeProvider? timeProvider = null,
        TransportMeter? meter = null)
        : base(options.Value, memoryPools, loggers.CreateLogger("Kestrel.Rpc.Transport.IoUring"), timeProvider, meter)
    {
        _options = options.Value;
    }

    protected override EventLoopGroup StartLoops(int count, ConnectionSettings settings)
    {
        try
        {
            return StartLoops("io_uring", count, (name, pool) => new IoUringLoop(name, pool, settings, _options));
        }
        catch (PlatformNotSupportedException e) when (_options.Fallback == IoUringFallback.Epoll)
        {
            TransportLog.IoUringFallback(Logger, e.Message);
            if (_options.SubmissionPolling.Enabled)
            {
                TransportLog.SubmissionPollingDropped(Logger);
            }

            return StartLoops("epoll", count, (name, pool) => new EpollLoop(name, pool, settings));
        }
    }
}
