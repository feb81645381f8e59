using Kestrel.Rpc.Middleware;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers <see cref="IRpcContextAccessor"/>.</summary>
public static class RpcContextAccessorServiceCollectionExtensions
{
    /// <summary>
    /// Registers an <see cref="IRpcContextAccessor"/>: a service that asks for it learns for which call it runs. Costs each call an object, and nothing
    /// where it is not registered.
    /// </summary>
    /// <param name="services">The services of the application.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddRpcContextAccessor(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton<IRpcContextAccessor, RpcContextAccessor>();
        return services;
    }
}
