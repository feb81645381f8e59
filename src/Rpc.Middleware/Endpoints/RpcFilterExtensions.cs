using System.Diagnostics.CodeAnalysis;
using Kestrel.Rpc.Middleware;

namespace Microsoft.AspNetCore.Builder;

/// <summary>
/// Filters of RPC methods. They run behind all middleware and around the handler, in the order server, group, method, and on
/// each of these levels in the order they were added; they are composed once, when the host starts.
/// </summary>
public static class RpcFilterExtensions
{
    /// <summary>Adds a filter.</summary>
    /// <typeparam name="TBuilder">What the filter is added to.</typeparam>
    /// <param name="builder">The method, the group, or the server's pipeline.</param>
    /// <param name="filter">
    /// Gets the call and the rest: calls <c>next</c> to go on, or sets <see cref="RpcContext.Reply"/> or throws to answer itself.
    /// Runs for many calls at once.
    /// </param>
    /// <exception cref="InvalidOperationException">The host has started already.</exception>
    public static TBuilder AddRpcFilter<TBuilder>(this TBuilder builder, Func<RpcContext, RpcDelegate, ValueTask> filter)
        where TBuilder : IRpcEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(filter);
        return builder.AddRpcFilterCore((_, next) => RpcStep.Create(filter, next));
    }

    /// <summary>Adds a filter that all calls share.</summary>
    /// <typeparam name="TBuilder">What the filter is added to.</typeparam>
    /// <param name="builder">The method, the group, or the server's pipeline.</param>
    /// <param name="filter">The filter. Runs for many calls at once.</param>
    /// <exception cref="InvalidOperationException">The host has started already.</exception>
    public static TBuilder AddRpcFilter<TBuilder>(this TBuilder builder, IRpcFilter filter)
        where TBuilder : IRpcEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(filter);
        return builder.AddRpcFilter(filter.InvokeAsync);
    }

    /// <summary>
    /// Adds a filter that is made once for each method, by somebody who looks at the method first.
    /// </summary>
    /// <typeparam name="TBuilder">What the filter is added to.</typeparam>
    /// <param name="builder">The method, the group, or the server's pipeline.</param>
    /// <param name="factory">
    /// Gets the method and the rest, returns what stands in the rest's place, or the rest itself if the method needs no filter.
    /// </param>
    /// <exception cref="InvalidOperationException">The host has started already.</exception>
    public static TBuilder AddRpcFilterFactory<TBuilder>(
        this TBuilder builder, Func<RpcFilterFactoryContext, RpcDelegate, RpcDelegate> factory)
        where TBuilder : IRpcEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(factory);
        return builder.AddRpcFilterCore((context, next) => RpcStep.Create(
            factory(context, next) ?? throw new InvalidOperationException($"A filter factory of the RPC method '{context.Name}' returned null."),
            next));
    }

    /// <summary>
    /// Adds a filter of a class. If it is registered, it is resolved: a singleton once, anything else for every call from
    /// <see cref="RpcContext.RequestServices"/>. If not, it is created: once if its constructor takes nothing but singletons, else
    /// for every call. What is missing fails the start.
    /// </summary>
    /// <typeparam name="TFilter">The class.</typeparam>
    /// <param name="builder">The method.</param>
    /// <exception cref="InvalidOperationException">The host has started already.</exception>
    public static RpcEndpointConventionBuilder AddRpcFilter<[DynamicallyAccessedMembers(RpcActivation.Constructors)] TFilter>(
        this RpcEndpointConventionBuilder builder)
        where TFilter : class, IRpcFilter => builder.AddRpcFilter<RpcEndpointConventionBuilder, TFilter>();

    /// <inheritdoc cref="AddRpcFilter{TFilter}(RpcEndpointConventionBuilder)"/>
    /// <param name="builder">The group.</param>
    public static RpcGroupBuilder AddRpcFilter<[DynamicallyAccessedMembers(RpcActivation.Constructors)] TFilter>(
        this RpcGroupBuilder builder)
        where TFilter : class, IRpcFilter => builder.AddRpcFilter<RpcGroupBuilder, TFilter>();

    /// <inheritdoc cref="AddRpcFilter{TFilter}(RpcEndpointConventionBuilder)"/>
    /// <param name="builder">The service.</param>
    public static RpcServiceEndpointConventionBuilder AddRpcFilter<[DynamicallyAccessedMembers(RpcActivation.Constructors)] TFilter>(
        this RpcServiceEndpointConventionBuilder builder)
        where TFilter : class, IRpcFilter => builder.AddRpcFilter<RpcServiceEndpointConventionBuilder, TFilter>();

    /// <inheritdoc cref="AddRpcFilter{TFilter}(RpcEndpointConventionBuilder)"/>
    /// <param name="builder">The server's pipeline.</param>
    public static RpcPipelineBuilder AddRpcFilter<[DynamicallyAccessedMembers(RpcActivation.Constructors)] TFilter>(
        this RpcPipelineBuilder builder)
        where TFilter : class, IRpcFilter => builder.AddRpcFilter<RpcPipelineBuilder, TFilter>();

    /// <inheritdoc cref="AddRpcFilter{TFilter}(RpcEndpointConventionBuilder)"/>
    /// <typeparam name="TBuilder">What the filter is added to.</typeparam>
    /// <typeparam name="TFilter">The class.</typeparam>
    /// <param name="builder">The method, the group, or the server's pipeline.</param>
    public static TBuilder AddRpcFilter<TBuilder, [DynamicallyAccessedMembers(RpcActivation.Constructors)] TFilter>(this TBuilder builder)
        where TBuilder : IRpcEndpointConventionBuilder
        where TFilter : class, IRpcFilter
    {
        // One for all methods of a group, as one filter was added.
        RpcActivation<TFilter>? activation = null;
        return builder.AddRpcFilterCore((context, next) =>
        {
            activation ??= RpcActivation.OfFilter<TFilter>(context.ApplicationServices);
            Func<IServiceProvider, TFilter>? create = activation.Create;
            return create is null
                ? RpcStep.Create(activation.Shared!.InvokeAsync, next)
                : RpcStep.Create((call, rest) => create(call.RequestServices).InvokeAsync(call, rest), next);
        });
    }

    private static TBuilder AddRpcFilterCore<TBuilder>(this TBuilder builder, Func<RpcFilterFactoryContext, RpcDelegate, RpcDelegate> factory)
        where TBuilder : IRpcEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Add(endpoint => RpcEndpointBuilder.Of(endpoint).RpcFilters.Add(factory));
        return builder;
    }
}
