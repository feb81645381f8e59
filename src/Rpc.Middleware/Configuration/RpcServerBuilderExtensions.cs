using Kestrel.Rpc.Middleware;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.Hosting;

/// <summary>Adds an RPC server that configuration describes.</summary>
public static class RpcServerBuilderExtensions
{
    /// <summary>
    /// Registers the RPC server as <c>AddRpc</c> does, with its options from the section <c>Rpc:Server</c> (by their names, for example
    /// <c>Rpc:Server:Limits:MaxBodyLength</c>) and its end points from the list <c>Rpc:Server:Service</c>, or <c>server:service</c> as MyRPC has it: a name of a service,
    /// an ip (an address, <c>localhost</c>, or <c>*</c> for all) and a port. Several services may have the same address. A service that is named there listens nowhere else; the
    /// others listen on the end points that the program has made with <c>UseRpc()</c>. The end points are made with Kestrel's defaults for end points.
    /// </summary>
    /// <remarks>
    /// What is wrong with the configuration fails the start of the host with <see cref="OptionsValidationException"/>, or <see cref="InvalidOperationException"/> for a value
    /// that is not of its kind, and its keys: values out of range, unknown keys, addresses that are none, services without a method. Changes while the host runs take effect
    /// as docs/operations.md says; one that is not in order is logged and not taken.
    /// </remarks>
    /// <param name="builder">The host that runs Kestrel.</param>
    /// <param name="configure">Changes the options after the configuration did; may be <see langword="null"/>.</param>
    /// <typeparam name="TBuilder">The kind of builder.</typeparam>
    public static TBuilder AddRpcServer<TBuilder>(this TBuilder builder, Action<RpcServerOptions>? configure = null)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        if (services.Any(service => service.ServiceType == typeof(RpcServicePlacement)))
        {
            services.AddRpc(configure);
            return builder;
        }

        services.AddOptions<RpcServerOptions>().Configure<IConfiguration>(
            static (options, configuration) => RpcServerBinding.Bind(options, configuration.GetSection(RpcServerKeys.Section)));
        services.AddRpc(configure);
        services.AddSingleton<IValidateOptions<RpcServerOptions>, RpcConfigurationValidator>();
        services.AddSingleton(provider => RpcServicePlacement.Read(provider.GetRequiredService<IConfiguration>()));
        services.AddSingleton<IPostConfigureOptions<KestrelServerOptions>, RpcConfiguredEndPoints>();
        services.AddHostedService<RpcConfigurationReload>();
        return builder;
    }
}
