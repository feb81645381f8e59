using Kestrel.Rpc.Middleware;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the RPC server.</summary>
public static class RpcServiceCollectionExtensions
{
    /// <summary>
    /// Registers the RPC server. <c>ListenOptions.UseRpc()</c> lets it listen, <c>app.MapRpc(...)</c> gives it methods. May
    /// be called again to change more options.
    /// </summary>
    /// <param name="services">The services of the host that runs Kestrel.</param>
    /// <param name="configure">Changes the options; may be <see langword="null"/>.</param>
    public static IServiceCollection AddRpc(this IServiceCollection services, Action<RpcServerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        OptionsBuilder<RpcServerOptions> options = services.AddOptions<RpcServerOptions>();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        if (services.Any(service => service.ServiceType == typeof(RpcServer)))
        {
            return services;
        }

        options.ValidateOnStart();
        services.AddSingleton<IValidateOptions<RpcServerOptions>, RpcServerOptionsValidator>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(new RpcServiceRegistrations(services));
        services.AddSingleton<RpcServer>();
        services.AddSingleton<RpcConnectionHandler>();
        services.AddSingleton<IHostedService, RpcStartup>();
        services.AddSingleton<Http2Prefaced>();

        // Kestrel brings its sockets only if it finds no transport at all; so if it comes later, they must be there before ours.
        services.TryAddSingleton<IConnectionListenerFactory, SocketTransportFactory>();
        services.AddSingleton<IConnectionListenerFactory, HiddenListenerFactory>();
        return services;
    }
}
