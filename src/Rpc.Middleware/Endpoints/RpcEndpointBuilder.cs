using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Kestrel.Rpc.Middleware;

/// <summary>What the conventions of an end point change. <see cref="RpcEndpointDefinition"/> builds the end point from it.</summary>
internal sealed class RpcEndpointBuilder : EndpointBuilder
{
    public RpcEndpointBuilder(IServiceProvider services) => ApplicationServices = services;

    /// <summary>What makes the filters, the outermost first.</summary>
    public List<Func<RpcFilterFactoryContext, RpcDelegate, RpcDelegate>> RpcFilters { get; } = [];

    /// <summary>The builder of an RPC method, which a convention was given.</summary>
    public static RpcEndpointBuilder Of(EndpointBuilder builder) => builder as RpcEndpointBuilder ?? throw new InvalidOperationException(
        $"'{builder.DisplayName}' is no RPC method, so it cannot have an RPC filter.");

    /// <summary>Not how RPC end points are made: they need what only the server knows.</summary>
    public override Endpoint Build() =>
        throw new NotSupportedException("The RPC server builds its end points itself. Change the builder in a convention instead.");
}
