using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Where the instances of a service's class come from, decided once when the service is mapped. A registered class lives as long as it is registered to;
/// one that is not registered is made for each call and disposed of when its method has ended.
/// </summary>
internal abstract class RpcServiceInstances
{
    /// <summary>Whether an instance is to be disposed of after its call.</summary>
    public virtual bool AreOwned => false;

    /// <summary>The instance for a call.</summary>
    public abstract object Get(RpcContext context);

    /// <summary>Decides it.</summary>
    /// <exception cref="InvalidOperationException">The class cannot be made.</exception>
    public static RpcServiceInstances Of<[DynamicallyAccessedMembers(RpcActivation.Constructors)] TService>(IServiceProvider services)
        where TService : class
    {
        RpcServiceRegistrations registrations = services.GetRequiredService<RpcServiceRegistrations>();
        if (registrations.IsSingleton(typeof(TService)))
        {
            return new Shared<TService>(services);
        }

        return RpcActivation.IsService(services, typeof(TService), null) ? new Resolved<TService>() : Created<TService>.By(services);
    }

    // Made by the container when the first call needs it, as every singleton.
    private sealed class Shared<TService>(IServiceProvider services) : RpcServiceInstances
        where TService : class
    {
        private TService? _instance;

        public override object Get(RpcContext context) => _instance ??= services.GetRequiredService<TService>();
    }

    private sealed class Resolved<TService> : RpcServiceInstances
        where TService : class
    {
        public override object Get(RpcContext context) => context.RequestServices.GetRequiredService<TService>();
    }

    /// <param name="factory">Makes one.</param>
    /// <param name="root">Where its constructor's arguments come from if all are singletons: asking the call for its services would create a scope.</param>
    private sealed class Created<[DynamicallyAccessedMembers(RpcActivation.Constructors)] TService>(ObjectFactory<TService> factory, IServiceProvider? root) : RpcServiceInstances
        where TService : class
    {
        private static readonly bool IsDisposable =
            typeof(IDisposable).IsAssignableFrom(typeof(TService)) || typeof(IAsyncDisposable).IsAssignableFrom(typeof(TService));

        public override bool AreOwned => IsDisposable;

        public static Created<TService> By(IServiceProvider services)
        {
            string what = $"The RPC service '{typeof(TService)}'";
            ConstructorInfo constructor = RpcActivation.FindConstructor(typeof(TService), what);
            bool singletonsOnly = RpcActivation.TakesSingletonsOnly(constructor, what, services);
            return new Created<TService>(ActivatorUtilities.CreateFactory<TService>([]), singletonsOnly ? services : null);
        }

        public override object Get(RpcContext context) => factory(root ?? context.RequestServices, null);
    }
}
