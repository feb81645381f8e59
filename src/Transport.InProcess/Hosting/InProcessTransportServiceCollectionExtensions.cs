using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Connections;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the in-process transport without a web host builder at hand.</summary>
public static class InProcessTransportServiceCollectionExtensions
{
    /// <summary>Registers the in-process transport after the transports already there, so that Kestrel asks it first.</summary>
    /// <param name="services">The services of the host that runs Kestrel.</param>
    /// <param name="configure">Changes the options; may be <see langword="null"/>.</param>
    public static IServiceCollection AddInProcessTransport(this IServiceCollection services, Action<InProcessTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (configure is not null)
        {
            services.Configure(configure);
        }

        return services.AddSingleton<IConnectionListenerFactory, InProcessListenerFactory>();
    }
}
