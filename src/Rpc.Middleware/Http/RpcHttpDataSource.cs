using System.Reflection;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Primitives;

namespace Kestrel.Rpc.Middleware;

/// <summary>The routes of one <c>MapRpcHttp</c>: a route for every name of every method that has <c>WithHttp()</c>. Built when routing first asks.</summary>
internal sealed class RpcHttpDataSource(RpcServer server, RoutePattern prefix, RpcHttpJson json) : EndpointDataSource
{
    private IReadOnlyList<Endpoint>? _endpoints;

    public RpcHttpConventions Conventions { get; } = new();

    public override IReadOnlyList<Endpoint> Endpoints => _endpoints ??= Build(null);

    public override IReadOnlyList<Endpoint> GetGroupedEndpoints(RouteGroupContext context) => Build(context);

    public override IChangeToken GetChangeToken() => NullChangeToken.Singleton;

    private List<Endpoint> Build(RouteGroupContext? group)
    {
        List<Endpoint> endpoints = [];
        Dictionary<string, RpcMethodName> paths = new(StringComparer.OrdinalIgnoreCase);
        RpcHttpAuthentication authentication = new(server);
        bool hasSchemes = RpcHttpAuthentication.HasSchemes(server.Services);
        foreach (RpcEndpoint endpoint in server.HttpEndpoints)
        {
            RpcHttpMethod method = new(endpoint, json);
            foreach (RpcMethodName name in endpoint.WireNames)
            {
                if (!paths.TryAdd(name.ToString(), name))
                {
                    throw new InvalidOperationException(
                        $"The RPC methods '{paths[name.ToString()]}' and '{name}' both have WithHttp(), and differ in upper and lower case alone, which routes do not.");
                }

                RpcHttpHandler handler = new(server, method, name, authentication);
                endpoints.Add(Build(group, handler, method, name, hasSchemes));
            }
        }

        return endpoints;
    }

    private Endpoint Build(RouteGroupContext? group, RpcHttpHandler handler, RpcHttpMethod method, RpcMethodName name, bool hasSchemes)
    {
        RoutePattern path = RoutePatternFactory.Combine(prefix, RoutePatternFactory.Pattern(
            name.ToString(),
            RoutePatternFactory.Segment(RoutePatternFactory.LiteralPart(name.Service)), RoutePatternFactory.Segment(RoutePatternFactory.LiteralPart(name.Method))));
        RouteEndpointBuilder builder = new(handler.InvokeAsync, RoutePatternFactory.Combine(group?.Prefix, path), order: 0)
        {
            DisplayName = $"HTTP: {name}",
            ApplicationServices = server.Services,
        };
        foreach (Action<EndpointBuilder> convention in group?.Conventions ?? [])
        {
            convention(builder);
        }

        foreach (object item in method.Endpoint.Metadata)
        {
            // The method behind it has other parameters than the request; and without schemes, HTTP's own authorization knows nobody.
            if (item is not MethodInfo && (hasSchemes || !RpcAuthorizationDemand.IsDemand(item)))
            {
                builder.Metadata.Add(item);
            }
        }

        builder.Metadata.Add(new RpcHttpRoute(method, name));
        builder.Metadata.Add(new HttpMethodMetadata([HttpMethods.Post]));
        Conventions.Apply(builder);
        Conventions.ApplyFinally(builder);
        foreach (Action<EndpointBuilder> convention in group?.FinallyConventions ?? [])
        {
            convention(builder);
        }

        if (!hasSchemes && !builder.Metadata.Any(RpcAuthorizationDemand.IsDemand))
        {
            // The RPC pipeline enforces all that the method demands, the fallback policy too. HTTP's own would only refuse everybody.
            builder.Metadata.Add(new AllowAnonymousAttribute());
        }

        return builder.Build();
    }
}
