using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <summary>The application's registrations, as <c>AddRpc</c> found them: they tell which services need a scope.</summary>
internal sealed class RpcServiceRegistrations(IServiceCollection services)
{
    /// <summary>
    /// Whether resolving this service from the root provider is the same as from a scope. False where the registrations do
    /// not tell, for example with services known only to another container.
    /// </summary>
    public bool IsSingleton(Type type, object? key = null)
    {
        if (key is null && (type == typeof(IServiceScopeFactory) || type == typeof(IServiceProviderIsService)))
        {
            return true;
        }

        if (Find(type, key) is { } lifetime)
        {
            return lifetime == ServiceLifetime.Singleton;
        }

        if (!type.IsConstructedGenericType)
        {
            return false;
        }

        Type definition = type.GetGenericTypeDefinition();
        return definition == typeof(IEnumerable<>)
            ? IsSingletonSequence(type.GenericTypeArguments[0], key)
            : Find(definition, key) is ServiceLifetime.Singleton;
    }

    /// <summary>Whether all registrations of a service are singletons, or classes of an assembly that is known to need no scope.</summary>
    public bool AreSingletonsOrOf(Type type, Assembly assembly) => services
        .Where(service => Matches(service, type, null))
        .All(service => service.Lifetime == ServiceLifetime.Singleton || service.ImplementationType?.Assembly == assembly);

    /// <summary>The lifetime of a service; <see langword="null"/> where the registrations do not tell, and for sequences.</summary>
    public ServiceLifetime? LifetimeOf(Type type, object? key = null) =>
        Find(type, key) ?? (type.IsConstructedGenericType ? Find(type.GetGenericTypeDefinition(), key) : null);

    // The last registration is the one that is resolved.
    private ServiceLifetime? Find(Type type, object? key)
    {
        for (int i = services.Count - 1; i >= 0; i--)
        {
            if (Matches(services[i], type, key))
            {
                return services[i].Lifetime;
            }
        }

        return null;
    }

    // A sequence holds every registration, so one that is not a singleton is enough.
    private bool IsSingletonSequence(Type item, object? key)
    {
        Type? definition = item.IsConstructedGenericType ? item.GetGenericTypeDefinition() : null;
        return services
            .Where(service => Matches(service, item, key) || (definition is not null && Matches(service, definition, key)))
            .All(service => service.Lifetime == ServiceLifetime.Singleton);
    }

    private static bool Matches(ServiceDescriptor service, Type type, object? key)
    {
        if (service.ServiceType != type || service.IsKeyedService != key is not null)
        {
            return false;
        }

        return key is null || Equals(service.ServiceKey, key) || Equals(service.ServiceKey, KeyedService.AnyKey);
    }
}
