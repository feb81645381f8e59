using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the Linux transports without a web host builder at hand.</summary>
public static class LinuxTransportServiceCollectionExtensions
{
    /// <summary>
    /// Registers the io_uring transport after the transports already there, so that Kestrel asks it first. It is also the
    /// host's <see cref="IConnectionFactory"/>: what is connected with it runs on the loops that serve Kestrel's end points.
    /// </summary>
    /// <param name="services">The services of the host that runs Kestrel.</param>
    /// <param name="configure">Changes the options; may be <see langword="null"/>.</param>
    public static IServiceCollection AddIoUringTransport(this IServiceCollection services, Action<IoUringTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddIoUringConnectionFactory(configure)
            .AddSingleton<IConnectionListenerFactory>(static provider => provider.GetRequiredService<IoUringTransportFactory>());
    }

    /// <summary>
    /// Registers the epoll transport after the transports already there, so that Kestrel asks it first. It is also the
    /// host's <see cref="IConnectionFactory"/>: what is connected with it runs on the loops that serve Kestrel's end points.
    /// </summary>
    /// <param name="services">The services of the host that runs Kestrel.</param>
    /// <param name="configure">Changes the options; may be <see langword="null"/>.</param>
    public static IServiceCollection AddEpollTransport(this IServiceCollection services, Action<EpollTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddEpollConnectionFactory(configure)
            .AddSingleton<IConnectionListenerFactory>(static provider => provider.GetRequiredService<EpollTransportFactory>());
    }

    /// <summary>
    /// Registers an <see cref="IConnectionFactory"/> over io_uring and leaves Kestrel alone: for hosts that only connect. Where
    /// <see cref="AddIoUringTransport"/> is called too, both share their loops. See <see cref="IoUringConnectionFactory"/> for
    /// what it connects to and what it throws.
    /// </summary>
    /// <param name="services">The services of any host.</param>
    /// <param name="configure">Changes the options; may be <see langword="null"/>.</param>
    public static IServiceCollection AddIoUringConnectionFactory(
        this IServiceCollection services, Action<IoUringTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (configure is not null)
        {
            services.Configure(configure);
        }

        services.TryAddSingleton<TransportMeter>();
        services.AddLogging().AddOptions().TryAddSingleton<IoUringTransportFactory>();
        return services.AddSingleton<IConnectionFactory>(static provider => provider.GetRequiredService<IoUringTransportFactory>());
    }

    /// <summary>
    /// Registers an <see cref="IConnectionFactory"/> over epoll and leaves Kestrel alone: for hosts that only connect. Where
    /// <see cref="AddEpollTransport"/> is called too, both share their loops. See <see cref="EpollConnectionFactory"/> for what
    /// it connects to and what it throws.
    /// </summary>
    /// <param name="services">The services of any host.</param>
    /// <param name="configure">Changes the options; may be <see langword="null"/>.</param>
    public static IServiceCollection AddEpollConnectionFactory(
        this IServiceCollection services, Action<EpollTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (configure is not null)
        {
            services.Configure(configure);
        }

        services.TryAddSingleton<TransportMeter>();
        services.AddLogging().AddOptions().TryAddSingleton<EpollTransportFactory>();
        return services.AddSingleton<IConnectionFactory>(static provider => provider.GetRequiredService<EpollTransportFactory>());
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
