using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Transport;

/// <summary>Listens with a thread for every connection.</summary>
internal sealed class BlockingTransportFactory : TransportFactory
{
    private readonly BlockingTransportOptions _options;

    public BlockingTransportFactory(
        IOptions<BlockingTransportOptions> options,
        ILoggerFactory loggers,
        IMemoryPoolFactory<byte>? memoryPools = null,
        TimeProvider? timeProvider = null,
        TransportMeter? meter = null)
        : base(options.Value, memoryPools, loggers.CreateLogger("Kestrel.Rpc.Transport.Blocking"), timeProvider, meter)
    {
        _options = options.Value;
    }

    protected override EventLoopGroup StartLoops(int count, ConnectionSettings settings)
    {
        EventLoopGroup loops = BlockingLoopGroup.Start(CreateMemoryPool("kestrel-blocking"), settings);
        TransportLog.BlockingStarted(Logger, _options.MaxConnections, _options.ApplicationScheduling);
        return loops;
    }
}
