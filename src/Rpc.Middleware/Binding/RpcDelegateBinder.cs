using System.Diagnostics.CodeAnalysis;
using System.Linq.Expressions;
using System.Reflection;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Binds the parameters of any delegate, once, when it is mapped: it is compiled to one <see cref="RpcDelegate"/> that a call
/// runs without reflection or boxing.
/// </summary>
[RequiresDynamicCode(Reason)]
[RequiresUnreferencedCode(Reason)]
internal sealed partial class RpcDelegateBinder(RpcMethodName name, IServiceProvider services)
{
    internal const string Reason =
        "Binding any delegate looks at its parameters at run time. Map an RpcHandler<TRequest, TReply> with trimming or Native AOT.";

    private readonly ParameterExpression _context = Expression.Parameter(typeof(RpcContext), "context");
    private readonly RpcServiceRegistrations _registrations = services.GetRequiredService<RpcServiceRegistrations>();
    private readonly IServiceProviderIsService? _isService = services.GetService<IServiceProviderIsService>();
    private Type? _requestType;

    public RpcBoundHandler Bind(Delegate handler)
    {
        // Of the delegate type, not of the method: a method group of an extension method has one parameter more.
        MethodInfo invoke = handler.GetType().GetMethod("Invoke")!;
        ParameterInfo[] declared = handler.Method.GetParameters();
        ParameterInfo[] parameters = invoke.GetParameters();
        Expression[] arguments = new Expression[parameters.Length];
        for (int i = 0; i < parameters.Length; i++)
        {
            // Attributes and default values stand on the method's own parameters.
            arguments[i] = BindParameter(parameters[i].ParameterType, declared[declared.Length - parameters.Length + i]);
        }

        if (_requestType is null)
        {
            throw Error("has no parameter for its request message. Give it one whose type is a generated protobuf message; "
                + "google.protobuf.Empty stands for no data. Or a stream of them: IAsyncEnumerable<T> or IRpcStreamReader<T>.");
        }

        Expression call = Expression.Invoke(Expression.Constant(handler, handler.GetType()), arguments);
        RpcDelegate compiled = Expression.Lambda<RpcDelegate>(BindResult(call, handler.Method), _context).Compile();
        return new RpcBoundHandler(_hasRequestStream ? null : CreateParser(_requestType), compiled, Shape);
    }

    private Expression BindParameter(Type type, ParameterInfo parameter)
    {
        if (type.IsByRef || type.IsByRefLike || type.IsPointer)
        {
            throw Error($"takes its parameter '{parameter.Name}' by reference. Take it by value.");
        }

        if (typeof(IMessage).IsAssignableFrom(type))
        {
            return BindRequest(type, parameter);
        }

        if (FindStream(type) is { } stream)
        {
            return BindStream(stream, type.GenericTypeArguments[0], parameter);
        }

        if (type == typeof(RpcContext))
        {
            return _context;
        }

        if (type == typeof(CancellationToken))
        {
            return Expression.Property(_context, nameof(RpcContext.CancellationToken));
        }

        return type == typeof(IServiceProvider) ? RequestServices() : BindService(type, parameter);
    }

    private UnaryExpression BindRequest(Type type, ParameterInfo parameter)
    {
        SetRequestType(type, parameter);
        return Expression.Convert(Expression.Property(_context, nameof(RpcContext.Request)), type);
    }

    private void SetRequestType(Type type, ParameterInfo parameter)
    {
        if (_requestType is not null)
        {
            throw Error($"has more than one message among its parameters: {_requestType.Name} and {type.Name}. A call carries one request, or one stream of them.");
        }

        bool isConcreteMessage = type is { IsClass: true, IsAbstract: false }
            && type.GetConstructor(Type.EmptyTypes) is not null
            && typeof(IMessage<>).MakeGenericType(type).IsAssignableFrom(type);
        if (!isConcreteMessage)
        {
            throw Error($"takes its request '{parameter.Name}' as {type.Name}, which cannot be created. Use a generated protobuf message.");
        }

        _requestType = type;
    }

    private Expression BindService(Type type, ParameterInfo parameter)
    {
        object? key = parameter.GetCustomAttribute<FromKeyedServicesAttribute>()?.Key;
        if (!IsService(type, key))
        {
            if (parameter.HasDefaultValue)
            {
                return DefaultOf(type, parameter.DefaultValue);
            }

            throw RpcDelegateParameters.Missing(name, type, parameter.Name, key);
        }

        // Singletons come from the root: asking the call for its services would create a scope.
        Expression provider = _registrations.IsSingleton(type, key) ? Expression.Constant(services, typeof(IServiceProvider)) : RequestServices();
        return key is null
            ? Expression.Call(
                typeof(ServiceProviderServiceExtensions), nameof(ServiceProviderServiceExtensions.GetRequiredService), [type], provider)
            : Expression.Call(
                typeof(ServiceProviderKeyedServiceExtensions),
                nameof(ServiceProviderKeyedServiceExtensions.GetRequiredKeyedService),
                [type],
                provider,
                Expression.Constant(key, typeof(object)));
    }

    // The default of a nullable enumeration is a plain number to reflection.
    private static Expression DefaultOf(Type type, object? value)
    {
        if (value is null)
        {
            return Expression.Default(type);
        }

        Type own = Nullable.GetUnderlyingType(type) ?? type;
        return Expression.Convert(Expression.Constant(own.IsEnum ? Enum.ToObject(own, value) : value, own), type);
    }

    // A container that cannot tell is believed to have the service; a call that finds it missing fails with its message.
    private bool IsService(Type type, object? key) => key is null
        ? _isService?.IsService(type) ?? true
        : (_isService as IServiceProviderIsKeyedService)?.IsKeyedService(type, key) ?? true;

    private MemberExpression RequestServices() => Expression.Property(_context, nameof(RpcContext.RequestServices));

    private Expression BindResult(Expression call, MethodInfo method)
    {
        Type type = call.Type;
        if (BindStreamOfReplies(call) is { } stream)
        {
            return stream;
        }

        if (type == typeof(void))
        {
            if (method.IsDefined(typeof(AsyncStateMachineAttribute)))
            {
                throw Error("is 'async void', so nobody can tell when it is done. Return a Task.");
            }

            return Expression.Block(call, Result(nameof(RpcReplyResults.FromNothing), [], _context));
        }

        if (typeof(IMessage).IsAssignableFrom(type))
        {
            return Result(nameof(RpcReplyResults.FromMessage), [], _context, call);
        }

        if (type == typeof(Task) || type == typeof(ValueTask))
        {
            string nothing = type == typeof(Task) ? nameof(RpcReplyResults.FromTask) : nameof(RpcReplyResults.FromValueTask);
            return Result(nothing, [], _context, call);
        }

        Type? definition = type.IsConstructedGenericType ? type.GetGenericTypeDefinition() : null;
        if ((definition == typeof(Task<>) || definition == typeof(ValueTask<>))
            && type.GenericTypeArguments[0] is { IsValueType: false } reply
            && typeof(IMessage).IsAssignableFrom(reply))
        {
            string some = definition == typeof(Task<>) ? nameof(RpcReplyResults.FromTaskOf) : nameof(RpcReplyResults.FromValueTaskOf);
            return Result(some, [reply], _context, call);
        }

        throw Error($"returns {type}. It must return a protobuf message, a Task or ValueTask of one, an IAsyncEnumerable<T> of them, or "
            + "nothing (void, Task or ValueTask: an empty reply).");
    }

    private static MethodCallExpression Result(string method, Type[] typeArguments, params Expression[] arguments) =>
        Expression.Call(typeof(RpcReplyResults), method, typeArguments, arguments);

    private static RpcRequestParser CreateParser(Type requestType) =>
        (RpcRequestParser)typeof(RpcRequestParsers)
            .GetMethod(nameof(RpcRequestParsers.Create))!
            .MakeGenericMethod(requestType)
            .Invoke(null, null)!;

    private InvalidOperationException Error(string fault) => new($"The handler of the RPC method '{name}' {fault}");
}
