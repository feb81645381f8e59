using System.Text.Json.Nodes;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Abstractions;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.Routing;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Describes the routes of RPC methods to the API explorer, and so to an application's OpenAPI document. Protobuf messages are any JSON there: their C# properties
/// are not their JSON. Any thread.
/// </summary>
internal sealed class RpcHttpDescriptions(EndpointDataSource endpoints) : IApiDescriptionProvider
{
    // As the provider of minimal APIs has it: before those that change what is there.
    public int Order => -1100;

    public void OnProvidersExecuting(ApiDescriptionProviderContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        foreach (RouteEndpoint endpoint in endpoints.Endpoints.OfType<RouteEndpoint>())
        {
            if (endpoint.Metadata.GetMetadata<RpcHttpRoute>() is { IsMain: true } route
                && !route.Method.Endpoint.HasRequestStream
                && endpoint.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is not { ExcludeFromDescription: true })
            {
                context.Results.Add(Describe(endpoint, route));
            }
        }
    }

    public void OnProvidersExecuted(ApiDescriptionProviderContext context)
    {
    }

    private static ApiDescription Describe(RouteEndpoint endpoint, RpcHttpRoute route)
    {
        RpcHttpMethod method = route.Method;
        ApiDescription description = new()
        {
            HttpMethod = HttpMethods.Post,
            RelativePath = endpoint.RoutePattern.RawText?.TrimStart('/'),
            GroupName = endpoint.Metadata.GetMetadata<IEndpointGroupNameMetadata>()?.EndpointGroupName,
            ActionDescriptor = new ActionDescriptor
            {
                DisplayName = endpoint.DisplayName,
                EndpointMetadata = [.. endpoint.Metadata],
                RouteValues = { ["controller"] = route.Name.Service },
            },
        };
        Type request = TypeOf(method.RequestKind, method.Description?.RequestType);
        description.ParameterDescriptions.Add(new ApiParameterDescription
        {
            Name = "request",
            Type = request,
            Source = BindingSource.Body,
            IsRequired = true,
            ParameterDescriptor = new ParameterDescriptor { Name = "request", ParameterType = request },
        });
        string[] sent = method.RequestKind == RpcMessageKind.Json ? [RpcHttpMediaType.JsonName] : [RpcHttpMediaType.JsonName, RpcHttpMediaType.ProtobufNames[0]];
        foreach (string name in sent)
        {
            description.SupportedRequestFormats.Add(new ApiRequestFormat { MediaType = name });
        }

        ApiResponseType reply = new() { StatusCode = StatusCodes.Status200OK, Type = TypeOf(method.ReplyKind, method.Description?.ReplyType) };
        foreach (RpcHttpMediaType type in RpcHttpNegotiation.Offer(method, prefersJson: true))
        {
            if (type.Format != RpcHttpFormat.Protobuf || type.Name == RpcHttpMediaType.ProtobufNames[0])
            {
                reply.ApiResponseFormats.Add(new ApiResponseFormat { MediaType = type.Name });
            }
        }

        description.SupportedResponseTypes.Add(reply);
        description.SupportedResponseTypes.Add(new ApiResponseType
        {
            IsDefaultResponse = true,
            Type = typeof(ProblemDetails),
            ApiResponseFormats = { new ApiResponseFormat { MediaType = RpcHttpProblem.ContentType } },
        });
        return description;
    }

    private static Type TypeOf(RpcMessageKind kind, Type? type) => kind == RpcMessageKind.Json && type is not null ? type : typeof(JsonNode);
}
