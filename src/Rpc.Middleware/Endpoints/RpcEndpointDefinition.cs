using System.Reflection;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Kestrel.Rpc.Middleware;

/// <summary>A mapped method with the conventions given to it so far. Becomes an end point when the server is frozen.</summary>
internal sealed class RpcEndpointDefinition(RpcMethodName name, Delegate handler, RpcRequestParser parser, RpcDelegate bound)
{
    private readonly List<Action<EndpointBuilder>> _conventions = [];
    private readonly List<Action<EndpointBuilder>> _finallyConventions = [];
    private bool _isBuilt;

    public RpcMethodName Name => name;

    public void Add(Action<EndpointBuilder> convention)
    {
        ThrowIfBuilt();
        _conventions.Add(convention);
    }

    public void Finally(Action<EndpointBuilder> convention)
    {
        ThrowIfBuilt();
        _finallyConventions.Add(convention);
    }

    public RpcEndpoint Build(RpcServerOptions options, IServiceProvider services, IReadOnlyList<Func<RpcDelegate, RpcDelegate>> middleware)
    {
        _isBuilt = true;
        MethodInfo method = handler.Method;
        RpcEndpointBuilder builder = new(services) { DisplayName = $"RPC: {name}" };

        // The attributes of the handler come first, so that conventions override them, as with minimal APIs.
        builder.Metadata.Add(method);
        foreach (object attribute in method.GetCustomAttributes())
        {
            builder.Metadata.Add(attribute);
        }

        foreach (Action<EndpointBuilder> convention in _conventions)
        {
            convention(builder);
        }

        for (int i = _finallyConventions.Count - 1; i >= 0; i--)
        {
            _finallyConventions[i](builder);
        }

        RpcEndpointDemands.ThrowIfNotEnforced(name, handler, builder, services);
        EndpointMetadataCollection metadata = new(builder.Metadata);
        return new RpcEndpoint(
            name,
            WireNames(metadata),
            metadata,
            builder.DisplayName,
            metadata.GetMetadata<RpcSchedulingMetadata>()?.Scheduling ?? options.Scheduling,
            parser,
            Compose(bound, middleware));
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

    // What comes too late would be dropped in silence, authorization above all.
    private void ThrowIfBuilt()
    {
        if (_isBuilt)
        {
            throw new InvalidOperationException(
                $"A convention was added to the RPC method '{name}' after the host had started. Add it before app.Run().");
        }
    }

    private static RpcDelegate Compose(RpcDelegate handler, IReadOnlyList<Func<RpcDelegate, RpcDelegate>> middleware)
    {
        RpcDelegate next = handler;
        for (int i = middleware.Count - 1; i >= 0; i--)
        {
            next = middleware[i](RpcSteps.Count(next)) ?? throw new InvalidOperationException("A middleware of app.UseRpc(...) returned null in place of a delegate.");
        }

        return next;
    }
}
