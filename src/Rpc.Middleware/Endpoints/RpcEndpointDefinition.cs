using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Http;

namespace Kestrel.Rpc.Middleware;

/// <summary>A mapped method with the conventions given to it so far. Becomes an end point when the server is frozen.</summary>
/// <param name="name">Its name.</param>
/// <param name="handler">The C# method behind it.</param>
/// <param name="bound">What runs.</param>
/// <param name="group">The group that it was mapped to.</param>
/// <param name="service">The conventions of its service; null if it was mapped alone.</param>
internal sealed class RpcEndpointDefinition(
    RpcMethodName name, RpcHandlerMethod handler, RpcBoundHandler bound, RpcGroup group, RpcConventions? service = null)
{
    /// <summary>The conventions of the method alone.</summary>
    public RpcConventions Conventions { get; } = new($"the RPC method '{name}'");

    /// <param name="options">The server's options.</param>
    /// <param name="services">The services of the application.</param>
    /// <param name="middleware">The middleware of the server, which ends in the end point's handler; null if there is none.</param>
    /// <param name="authentication">Who says who makes its calls; null if nobody does.</param>
    /// <param name="gates">The limits of the server.</param>
    public RpcEndpoint Build(
        RpcServerOptions options, IServiceProvider services, RpcDelegate? middleware, RpcCallAuthentication? authentication, RpcGates gates)
    {
        RpcEndpointBuilder builder = new(services) { DisplayName = $"RPC: {name}" };
        ApplyConventions(builder);
        RpcEndpointDemands.ThrowIfNotEnforced(name, builder);
        EndpointMetadataCollection metadata = new(builder.Metadata);
        RpcFilterFactoryContext context = new(name, handler.Method, metadata, services);
        List<Func<RpcDelegate, RpcDelegate>> components = [.. builder.RpcFilters.Select(filter => new Func<RpcDelegate, RpcDelegate>(next => filter(context, next)))];
        if (RpcAuthorization.Create(name, metadata, services) is { } authorization)
        {
            components.Insert(0, authorization);
        }

        RpcDelegate filtered = RpcPipeline.Compose(components, bound.Handler, isCounted: middleware is not null);
        RpcDelegate pipeline = middleware ?? filtered;
        RpcAdmission? admission = gates.CreateAdmission(name, metadata, authentication);
        if (authentication is not null && admission?.Authenticates != true)
        {
            pipeline = authentication.Around(pipeline);
        }

        pipeline = RpcContextAccessor.Around(pipeline, services);

        return new RpcEndpoint(
            name,
            WireNames(metadata),
            metadata,
            builder.DisplayName,
            metadata.GetMetadata<RpcSchedulingMetadata>()?.Scheduling ?? options.Scheduling,
            bound.Parser,
            pipeline: options.SetsAmbientCall ? RpcAmbientCall.Around(pipeline) : pipeline,
            handler: filtered,
            shape: bound.Shape,
            replyEncoding: metadata.GetMetadata<RpcCompressionMetadata>()?.Encoding ?? options.ReplyCompression,
            admission: admission,
            replyFormat: bound.ReplyFormat,
            deadline: metadata.GetMetadata<RpcDeadlineMetadata>()?.Deadline);
    }

    // As with minimal APIs: what a handler's attributes say is closer to it than what a group says, and its own conventions are closest.
    private void ApplyConventions(RpcEndpointBuilder builder)
    {
        builder.Metadata.Add(handler.Method);
        if (bound.Method is { } method)
        {
            builder.Metadata.Add(method);
        }

        group.Apply(builder);
        foreach (object attribute in handler.Attributes)
        {
            builder.Metadata.Add(attribute);
        }

        service?.Apply(builder);
        Conventions.Apply(builder);
        Conventions.ApplyFinally(builder);
        service?.ApplyFinally(builder);
        group.ApplyFinally(builder);
    }

    private List<RpcMethodName> WireNames(EndpointMetadataCollection metadata)
    {
        List<RpcMethodName> names = [name];
        foreach (RpcWireNameMetadata alias in metadata.GetOrderedMetadata<RpcWireNameMetadata>())
        {
            // Said twice is no second end point.
            if (!names.Contains(alias.Name))
            {
                names.Add(alias.Name);
            }
        }

        return names;
    }
}
