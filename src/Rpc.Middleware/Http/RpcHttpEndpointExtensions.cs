using Kestrel.Rpc.Middleware;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Microsoft.AspNetCore.Builder;

/// <summary>RPC methods that are reached over HTTP, too.</summary>
public static class RpcHttpEndpointExtensions
{
    /// <summary>
    /// Lets methods be called over HTTP, too: <c>POST /service/method</c>, with JSON or protobuf. They are as they were in everything else: the same
    /// middleware, filters, authorization and limits. Where they are found says <see cref="MapRpcHttp"/>. A stream of replies is written as lines
    /// of JSON or as server-sent events; methods with a stream of requests answer with 501.
    /// </summary>
    /// <typeparam name="TBuilder">What is to be reached.</typeparam>
    /// <param name="builder">The method, the service, the group, or the server's pipeline.</param>
    public static TBuilder WithHttp<TBuilder>(this TBuilder builder)
        where TBuilder : IRpcEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Add(endpoint => endpoint.Metadata.Add(RpcHttpMetadata.Instance));
        return builder;
    }

    /// <summary>Maps the routes of all methods that have <see cref="WithHttp"/>, whether they are mapped before or after this.</summary>
    /// <param name="endpoints">The application, or a group of HTTP routes, whose prefix and conventions hold then.</param>
    /// <param name="prefix">What stands in front of <c>/service/method</c>, for example <c>/api</c>. Default: nothing.</param>
    /// <param name="configure">Changes the options; may be <see langword="null"/>.</param>
    /// <returns>For conventions of HTTP alone, such as <c>RequireCors</c>; RPC calls of the same methods do not see them.</returns>
    /// <exception cref="ArgumentException">The prefix is no route.</exception>
    /// <exception cref="InvalidOperationException">There is no <c>AddRpc</c>, the host has started already, or this is a group of RPC methods.</exception>
    public static IEndpointConventionBuilder MapRpcHttp(
        this IEndpointRouteBuilder endpoints, string prefix = "", Action<RpcHttpOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(prefix);
        RoutePattern pattern = RoutePatternFactory.Parse(prefix);
        RpcServer server = endpoints.ServiceProvider.GetRpcServer("app.MapRpcHttp(...)");
        RpcHttpOptions options = new();
        configure?.Invoke(options);
        RpcHttpDataSource source = new(server, pattern, new RpcHttpJson(options));
        endpoints.DataSources.Add(source);
        server.AddHttp();
        return source.Conventions;
    }

    /// <summary>The HTTP request that an RPC call came by.</summary>
    /// <param name="context">The call.</param>
    /// <returns>The request; <see langword="null"/> if the call came another way. Belongs to the call, as everything of it.</returns>
    public static HttpContext? GetHttpContext(this RpcContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return (context as RpcHttpCall)?.Http;
    }
}
