using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Kestrel.Rpc.Middleware;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Routing;
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
        services.AddSingleton<IValidateOptions<RpcServerOptions>, RpcCallLogOptionsValidator>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddMetrics();
        services.TryAddSingleton(_ => DistributedContextPropagator.Current);
        services.AddSingleton<RpcServerMetrics>();
        services.AddSingleton<RpcTracing>();
        services.AddSingleton<RpcCallObserver>();
        services.AddSingleton(new RpcServiceRegistrations(services));
        services.AddSingleton<RpcServer>();
        services.AddSingleton<IHostedService, RpcStartup>();
        services.AddSingleton<Http2Prefaced>();
        services.TryAddEnumerable(ServiceDescriptor.Transient<IApiDescriptionProvider, RpcHttpDescriptions>(
            provider => new RpcHttpDescriptions(provider.GetRequiredService<EndpointDataSource>()))); // which hosts without routing do not have

        // Kestrel brings its sockets only if it finds no transport at all; so if it comes later, they must be there before ours.
        services.TryAddSingleton<IConnectionListenerFactory, SocketTransportFactory>();
        services.AddSingleton<IConnectionListenerFactory, HiddenListenerFactory>();
        return services;
    }

    /// <summary>
    /// Adds a wire protocol that the end points with <c>UseRpc()</c> understand beside RPC and HTTP. They are asked in the order of these calls.
    /// Needs <see cref="AddRpc"/> too.
    /// </summary>
    /// <typeparam name="TProtocol">The protocol: one object for the server, with services that are no scoped ones.</typeparam>
    /// <param name="services">The services of the host that runs Kestrel.</param>
    public static IServiceCollection AddRpcProtocol<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TProtocol>(
        this IServiceCollection services)
        where TProtocol : class, IRpcProtocol
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddSingleton<IRpcProtocol, TProtocol>();
    }

    /// <summary>
    /// Has every RPC connection verified, once and before its first call. The last authenticator added counts. Needs <see cref="AddRpc"/> too.
    /// </summary>
    /// <typeparam name="TAuthenticator">Who verifies: one object for the server, with services that are no scoped ones.</typeparam>
    /// <param name="services">The services of the host that runs Kestrel.</param>
    public static IServiceCollection AddRpcConnectionAuthenticator<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TAuthenticator>(this IServiceCollection services)
        where TAuthenticator : class, IRpcConnectionAuthenticator
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddSingleton<IRpcConnectionAuthenticator, TAuthenticator>();
    }
}
