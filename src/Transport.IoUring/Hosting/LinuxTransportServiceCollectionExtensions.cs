using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Connections;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the Linux transports without a web host builder at hand.</summary>
public static class LinuxTransportServiceCollectionExtensions
{
    /// <summary>
    /// Registers the io_uring transport after the transports already there, so that Kestrel asks it first.
    /// </summary>
    /// <param name="services">The services of the host that runs Kestrel.</param>
    /// <param name="configure">Changes the options; may be <see langword="null"/>.</param>
    public static IServiceCollection AddIoUringTransport(this IServiceCollection services, Action<IoUringTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (configure is not null)
        {
            services.Configure(configure);
        }

        return services.AddSingleton<IConnectionListenerFactory, IoUringTransportFactory>();
    }

    /// <summary>Registers the epoll transport after the transports already there, so that Kestrel asks it first.</summary>
    /// <param name="services">The services of the host that runs Kestrel.</param>
    /// <param name="configure">Changes the options; may be <see langword="null"/>.</param>
    public static IServiceCollection AddEpollTransport(this IServiceCollection services, Action<EpollTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (configure is not null)
        {
            services.Configure(configure);
        }

        return services.AddSingleton<IConnectionListenerFactory, EpollTransportFactory>();
    }

    /// <summary>
    /// Registers the blocking transport after the transports already there, so that Kestrel asks it first.
    /// </summary>
    /// <param name="services">The services of the host that runs Kestrel.</param>
    /// <param name="configure">Changes the options; may be <see langword="null"/>.</param>
    public static IServiceCollection AddBlockingTransport(this IServiceCollection services, Action<BlockingTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (configure is not null)
        {
            services.Configure(configure);
        }

        return services.AddSingleton<IConnectionListenerFactory, BlockingTransportFactory>();
    }
}
