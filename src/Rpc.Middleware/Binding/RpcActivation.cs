using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <summary>Where the instances of a filter's or a middleware's class come from; decided once, when the host starts.</summary>
/// <param name="Shared">The one for all calls, if there is one.</param>
/// <param name="Create">Else makes one for a call out of its services.</param>
internal sealed record RpcActivation<T>(T? Shared, Func<IServiceProvider, T>? Create)
    where T : class;

/// <summary>Decides it from the registrations. A class that cannot be had fails the start with what is missing.</summary>
internal static class RpcActivation
{
    public const DynamicallyAccessedMemberTypes Constructors = DynamicallyAccessedMemberTypes.PublicConstructors;

    /// <summary>Middleware has to be registered, as with ASP.NET Core's.</summary>
    public static RpcActivation<IRpcMiddleware> OfMiddleware(Type type, IServiceProvider services) =>
        OfService<IRpcMiddleware>(type, services) ?? throw new InvalidOperationException(
            $"The RPC middleware '{type}' is not registered. Register it before builder.Build(), for example with "
            + "builder.Services.AddSingleton<...>().");

    /// <summary>A filter may be registered. One that is not is created.</summary>
    public static RpcActivation<T> OfFilter<[DynamicallyAccessedMembers(Constructors)] T>(IServiceProvider services)
        where T : class, IRpcFilter => OfService<T>(typeof(T), services) ?? OfConstructor<T>(services);

    /// <summary>Checks that a constructor's parameters can be had, and says whether all of them are the same for every call.</summary>
    /// <param name="constructor">The constructor.</param>
    /// <param name="what">What is created, for messages.</param>
    /// <param name="services">The services of the application.</param>
    public static bool TakesSingletonsOnly(ConstructorInfo constructor, string what, IServiceProvider services)
    {
        RpcServiceRegistrations registrations = services.GetRequiredService<RpcServiceRegistrations>();
        bool singletonsOnly = true;
        foreach (ParameterInfo parameter in constructor.GetParameters())
        {
            object? key = parameter.GetCustomAttribute<FromKeyedServicesAttribute>()?.Key;
            if (parameter.ParameterType == typeof(RpcDelegate) || registrations.IsSingleton(parameter.ParameterType, key))
            {
                continue;
            }

            bool isService = IsService(services, parameter.ParameterType, key);
            if (!isService && !parameter.HasDefaultValue)
            {
                throw new InvalidOperationException(
                    $"{what} takes '{parameter.ParameterType} {parameter.Name}' in its constructor, and no such service is registered. "
                    + "Register it before builder.Build().");
            }

            singletonsOnly &= !isService;
        }

        return singletonsOnly;
    }

    /// <summary>Refuses classes that somebody would have to dispose of.</summary>
    public static void ThrowIfDisposable(Type type, string what)
    {
        if (typeof(IDisposable).IsAssignableFrom(type) || typeof(IAsyncDisposable).IsAssignableFrom(type))
        {
            throw new InvalidOperationException(
                $"{what} has something to dispose of and is not registered, so nobody would do it. Register the class before builder.Build().");
        }
    }

    private static RpcActivation<T>? OfService<T>(Type type, IServiceProvider services)
        where T : class
    {
        RpcServiceRegistrations registrations = services.GetRequiredService<RpcServiceRegistrations>();
        if (registrations.IsSingleton(type))
        {
            return new RpcActivation<T>((T)services.GetRequiredService(type), null);
        }

        return IsService(services, type, null)
            ? new RpcActivation<T>(null, requestServices => (T)requestServices.GetRequiredService(type))
            : null;
    }

    private static RpcActivation<T> OfConstructor<[DynamicallyAccessedMembers(Constructors)] T>(IServiceProvider services)
        where T : class
    {
        string what = $"The RPC filter '{typeof(T)}'";
        ThrowIfDisposable(typeof(T), what);
        ConstructorInfo constructor = FindConstructor(typeof(T), what);
        ObjectFactory<T> factory = ActivatorUtilities.CreateFactory<T>([]);
        return TakesSingletonsOnly(constructor, what, services)
            ? new RpcActivation<T>(factory(services, null), null)
            : new RpcActivation<T>(null, requestServices => factory(requestServices, null));
    }

    /// <summary>The constructor that ActivatorUtilities takes.</summary>
    /// <param name="type">The class.</param>
    /// <param name="what">What is created, for messages.</param>
    public static ConstructorInfo FindConstructor([DynamicallyAccessedMembers(Constructors)] Type type, string what)
    {
        ConstructorInfo[] constructors = type.IsAbstract ? [] : type.GetConstructors();
        return constructors.SingleOrDefault(item => item.IsDefined(typeof(ActivatorUtilitiesConstructorAttribute)))
            ?? (constructors.Length == 1 ? constructors[0] : null)
            ?? throw new InvalidOperationException(
                $"{what} is not registered, and it has {constructors.Length} public constructors instead of one. Register it before "
                + "builder.Build(), or mark one of them with [ActivatorUtilitiesConstructor].");
    }

    /// <summary>Whether a service is registered. A container that cannot tell is asked for what AddRpc has seen.</summary>
    public static bool IsService(IServiceProvider services, Type type, object? key)
    {
        IServiceProviderIsService? isService = services.GetService<IServiceProviderIsService>();
        return (key is null ? isService?.IsService(type) : (isService as IServiceProviderIsKeyedService)?.IsKeyedService(type, key))
            ?? services.GetRequiredService<RpcServiceRegistrations>().LifetimeOf(type, key) is not null;
    }
}
