using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Binds the methods of one service: what <see cref="IRpcService.Bind"/> gets. Each method of the description is bound once, by the member for its
/// shape. Used by the thread that maps the service, and only while it does.
/// </summary>
public sealed class RpcServiceBinder
{
    private readonly RpcGroup _group;
    private readonly RpcServiceDescription _description;
    private readonly RpcServiceClass _class;
    private readonly RpcServiceInstances _instances;
    private readonly string _name;
    private readonly Dictionary<string, RpcEndpointDefinition> _methods = [];

    internal RpcServiceBinder(RpcGroup group, RpcServiceDescription description, RpcServiceClass serviceClass, RpcServiceInstances instances, string? name)
    {
        _group = group;
        _description = description;
        _class = serviceClass;
        _instances = instances;
        _name = name ?? description.Name;
        Conventions = new RpcConventions($"the RPC service '{_name}'");
    }

    internal RpcConventions Conventions { get; }

    /// <summary>Binds a method with one request and one reply.</summary>
    /// <typeparam name="TService">The base class or interface that declares the method.</typeparam>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="method">The method, of the description.</param>
    /// <param name="handlerName">The C# method of <typeparamref name="TService"/>, whose attributes, and those of what overrides or implements it, become metadata.</param>
    /// <param name="handler">Calls it.</param>
    /// <exception cref="ArgumentException">The method is not one of the description, or has another shape.</exception>
    /// <exception cref="InvalidOperationException">It is bound already.</exception>
    public void Unary<[DynamicallyAccessedMembers(RpcServiceClass.DeclaredMembers)] TService, TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, string handlerName, RpcServiceMethod<TService, TRequest, TReply> handler)
        where TService : class
        where TRequest : class
        where TReply : class
    {
        ArgumentNullException.ThrowIfNull(handler);
        RpcServiceInstances instances = _instances;
        Map<TService, TRequest, TReply>(
            method,
            RpcMethodShape.Unary,
            handlerName,
            instances.AreOwned
                ? context => DisposeAfter<TService>(context, instances, service => FromReply(context, handler(service, (TRequest)context.Request, context)))
                : context => FromReply(context, handler((TService)instances.Get(context), (TRequest)context.Request, context)));
    }

    /// <summary>Binds a method with a stream of requests and one reply.</summary>
    /// <inheritdoc cref="Unary"/>
    public void ClientStream<[DynamicallyAccessedMembers(RpcServiceClass.DeclaredMembers)] TService, TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, string handlerName, RpcServiceClientStreamMethod<TService, TRequest, TReply> handler)
        where TService : class
        where TRequest : class
        where TReply : class
    {
        ArgumentNullException.ThrowIfNull(handler);
        Map<TService, TRequest, TReply>(method, RpcMethodShape.ClientStreaming, handlerName, context => Run<TService>(
            context, service => FromReply(context, handler(service, RpcStreams.Reader(context, method.RequestFormat), context))));
    }

    /// <summary>Binds a method with one request and a stream of replies.</summary>
    /// <inheritdoc cref="Unary"/>
    public void ServerStream<[DynamicallyAccessedMembers(RpcServiceClass.DeclaredMembers)] TService, TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, string handlerName, RpcServiceServerStreamMethod<TService, TRequest, TReply> handler)
        where TService : class
        where TRequest : class
        where TReply : class
    {
        ArgumentNullException.ThrowIfNull(handler);
        Map<TService, TRequest, TReply>(method, RpcMethodShape.ServerStreaming, handlerName, context => Run<TService>(
            context, service => handler(service, (TRequest)context.Request, RpcStreams.Writer<TReply>(context), context)));
    }

    /// <summary>Binds a method with a stream in each direction.</summary>
    /// <inheritdoc cref="Unary"/>
    public void DuplexStream<[DynamicallyAccessedMembers(RpcServiceClass.DeclaredMembers)] TService, TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, string handlerName, RpcServiceDuplexStreamMethod<TService, TRequest, TReply> handler)
        where TService : class
        where TRequest : class
        where TReply : class
    {
        ArgumentNullException.ThrowIfNull(handler);
        Map<TService, TRequest, TReply>(method, RpcMethodShape.DuplexStreaming, handlerName, context => Run<TService>(
            context,
            service => handler(service, RpcStreams.Reader(context, method.RequestFormat), RpcStreams.Writer<TReply>(context), context)));
    }

    /// <summary>Checks that nothing of the description is left out, and gives out the methods by their names.</summary>
    internal IReadOnlyDictionary<string, RpcEndpointDefinition> Finish()
    {
        foreach (RpcMethod method in _description.Methods)
        {
            if (!_methods.ContainsKey(method.Name.Method))
            {
                throw new InvalidOperationException($"'{_class.Type}' does not bind the method '{method}' of its description.");
            }
        }

        return _methods;
    }

    private void Map<[DynamicallyAccessedMembers(RpcServiceClass.DeclaredMembers)] TService, TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, RpcMethodShape shape, string handlerName, RpcDelegate run)
        where TRequest : class
        where TReply : class
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentException.ThrowIfNullOrEmpty(handlerName);
        method.ThrowIfNot(shape);
        if (!_description.Methods.Contains(method))
        {
            throw new ArgumentException($"'{method}' is not in the description of '{_description}'.", nameof(method));
        }

        if (_methods.ContainsKey(method.Name.Method))
        {
            throw new InvalidOperationException($"'{method}' is bound twice.");
        }

        bool hasRequest = shape is RpcMethodShape.Unary or RpcMethodShape.ServerStreaming;
        RpcMessageFormat<TRequest> format = method.RequestFormat;
        RpcBoundHandler bound = new(hasRequest ? format.ReadObject : null, run, shape, method.ReplyFormat, method);
        RpcEndpointDefinition definition = _group.Map(
            _group.ParseName($"{_name}/{method.Name.Method}", nameof(method)),
            _class.Find(typeof(TService), handlerName, typeof(TRequest)),
            bound,
            Conventions);
        foreach (RpcMethodName alias in method.Aliases)
        {
            definition.Conventions.Add(endpoint => endpoint.Metadata.Add(new RpcWireNameMetadata(alias)));
        }

        _methods.Add(method.Name.Method, definition);
    }

    private static ValueTask FromReply<TReply>(RpcContext context, ValueTask<TReply> reply)
        where TReply : class => RpcReplyResults.FromValueTaskOf(context, reply);

    private ValueTask Run<TService>(RpcContext context, Func<TService, ValueTask> run)
        where TService : class => _instances.AreOwned ? DisposeAfter(context, _instances, run) : run((TService)_instances.Get(context));

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask DisposeAfter<TService>(RpcContext context, RpcServiceInstances instances, Func<TService, ValueTask> run)
        where TService : class
    {
        object service = instances.Get(context);
        try
        {
            await run((TService)service).ConfigureAwait(false);
        }
        finally
        {
            if (service is IAsyncDisposable asynchronous)
            {
                await asynchronous.DisposeAsync().ConfigureAwait(false);
            }
            else
            {
                ((IDisposable)service).Dispose();
            }
        }
    }
}
