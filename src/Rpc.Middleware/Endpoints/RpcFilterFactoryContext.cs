using System.Reflection;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Http;

namespace Kestrel.Rpc.Middleware;

/// <summary>What a filter factory learns about the method that it makes a filter for. Immutable.</summary>
public sealed class RpcFilterFactoryContext
{
    internal RpcFilterFactoryContext(
        RpcMethodName name, MethodInfo handlerMethod, EndpointMetadataCollection metadata, IServiceProvider applicationServices)
    {
        Name = name;
        HandlerMethod = handlerMethod;
        Metadata = metadata;
        ApplicationServices = applicationServices;
    }

    /// <summary>The name that the RPC method was mapped with.</summary>
    public RpcMethodName Name { get; }

    /// <summary>The method of the class, or the lambda, that was mapped.</summary>
    public MethodInfo HandlerMethod { get; }

    /// <summary>The metadata of the end point. All conventions have run.</summary>
    public EndpointMetadataCollection Metadata { get; }

    /// <summary>The services of the application: singletons only. A call's own are at <see cref="RpcContext.RequestServices"/>.</summary>
    public IServiceProvider ApplicationServices { get; }
}
