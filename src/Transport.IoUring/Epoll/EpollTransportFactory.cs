using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Transport;

/// <summary>Listens and connects with the epoll engine.</summary>
internal sealed class EpollTransportFactory : TransportFactory
{
    public EpollTransportFactory(
        IOptions<EpollTransportOptions> options,
        ILoggerFactory loggers,
        IMemoryPoolFactory<byte>? memoryPools = null,
        TimeProvider? timeProvider = null,
        TransportMeter? meter = null)
        : base(options.Value, memoryPools, loggers.CreateLogger("Kestrel.Rpc.Transport.Epoll"), timeProvider, meter)
    {
    }

    protected override EventLoopGroup StartLoops(int count, ConnectionSettings settings) =>
        StartLoops("epoll", count, (name, pool) => new EpollLoop(name, pool, settings));
}
