using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Collects the middleware of the RPC pipeline, and filters and other conventions for all methods of the server. For use inside
/// <c>app.UseRpc(rpc => ...)</c> only.
/// </summary>
public sealed class RpcPipelineBuilder : IRpcEndpointConventionBuilder
{
    private readonly List<Func<RpcDelegate, RpcDelegate>> _middleware = [];
    private readonly RpcConventions _conventions;
    private bool _frozen;

    internal RpcPipelineBuilder(IServiceProvider services, RpcConventions conventions)
    {
        ApplicationServices = services;
        _conventions = conventions;
    }

    /// <summary>The services of the application, for middleware that needs some when it is composed.</summary>
    public IServiceProvider ApplicationServices { get; }

    /// <summary>Adds middleware that gets the call and the rest of the pipeline.</summary>
    /// <param name="middleware">
    /// Calls <c>next</c> to go on, or sets <see cref="RpcContext.Reply"/> or throws to answer itself. Runs for many calls at once.
    /// </param>
    /// <exception cref="InvalidOperationException">The callback of <c>app.UseRpc</c> has ended.</exception>
    public RpcPipelineBuilder Use(Func<RpcContext, RpcDelegate, ValueTask> middleware)
    {
        ArgumentNullException.ThrowIfNull(middleware);
        return UseCore(next => RpcStep.Create(middleware, next));
    }

    /// <summary>Adds middleware that wraps the rest of the pipeline, once for all methods.</summary>
    /// <param name="middleware">Gets the rest of the pipeline, returns what stands in its place.</param>
    /// <exception cref="InvalidOperationException">The callback of <c>app.UseRpc</c> has ended.</exception>
    public RpcPipelineBuilder Use(Func<RpcDelegate, RpcDelegate> middleware)
    {
        ArgumentNullException.ThrowIfNull(middleware);
        return UseCore(next => RpcStep.Create(
            middleware(next) ?? throw new InvalidOperationException("A middleware of app.UseRpc(...) returned null in place of a delegate."),
            next));
    }

    /// <summary>
    /// Adds middleware of a class. One that implements <see cref="IRpcMiddleware"/> must be registered: a singleton is resolved
    /// once, anything else for every call from <see cref="RpcContext.RequestServices"/>. Any other class is created once, when
    /// the host starts; it has a constructor that takes the rest of the pipeline as <see cref="RpcDelegate"/>, and any services
    /// that are not scoped, and a method <c>ValueTask InvokeAsync(RpcContext context)</c> (or <c>Task</c>). What is missing fails
    /// the start.
    /// </summary>
    /// <typeparam name="TMiddleware">The class; for registered middleware also an interface.</typeparam>
    /// <exception cref="InvalidOperationException">The callback of <c>app.UseRpc</c> has ended.</exception>
    public RpcPipelineBuilder Use<[DynamicallyAccessedMembers(RpcConventionalMiddleware.Members)] TMiddleware>()
        where TMiddleware : class => typeof(IRpcMiddleware).IsAssignableFrom(typeof(TMiddleware))
            ? UseCore(next => CreateRegistered(typeof(TMiddleware), next))
            : UseCore(next => RpcStep.Create(RpcConventionalMiddleware.Create<TMiddleware>(ApplicationServices, next), next));

    void IEndpointConventionBuilder.Add(Action<EndpointBuilder> convention)
    {
        ThrowIfFrozen();
        _conventions.Add(convention);
    }

    void IEndpointConventionBuilder.Finally(Action<EndpointBuilder> finallyConvention)
    {
        ThrowIfFrozen();
        _conventions.Finally(finallyConvention);
    }

    internal IReadOnlyList<Func<RpcDelegate, RpcDelegate>> Freeze()
    {
        _frozen = true;
        return _middleware;
    }

    private RpcDelegate CreateRegistered(Type type, RpcDelegate next)
    {
        RpcActivation<IRpcMiddleware> activation = RpcActivation.OfMiddleware(type, ApplicationServices);
        return activation.Create is { } create
            ? RpcStep.Create((call, rest) => create(call.RequestServices).InvokeAsync(call, rest), next)
            : RpcStep.Create(activation.Shared!.InvokeAsync, next);
    }

    private RpcPipelineBuilder UseCore(Func<RpcDelegate, RpcDelegate> component)
    {
        ThrowIfFrozen();
        _middleware.Add(component);
        return this;
    }

    private void ThrowIfFrozen()
    {
        if (_frozen)
        {
            throw new InvalidOperationException("The pipeline is complete: change it inside the callback of app.UseRpc(...).");
        }
    }
}
