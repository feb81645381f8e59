using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Middleware of a class that follows ASP.NET Core's convention: a constructor that takes the rest of the pipeline, and an
/// <c>InvokeAsync</c> that takes the call. Only the call: further parameters would need code made at run time.
/// </summary>
internal static class RpcConventionalMiddleware
{
    public const DynamicallyAccessedMemberTypes Members =
        DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicMethods;

    private const string Shape =
        "It must implement IRpcMiddleware, or have a public constructor that takes an RpcDelegate (the rest of the pipeline) and a public "
        + "method 'ValueTask InvokeAsync(RpcContext context)'";

    public static RpcDelegate Create<[DynamicallyAccessedMembers(Members)] T>(IServiceProvider services, RpcDelegate next)
        where T : class
    {
        string what = $"The RPC middleware '{typeof(T)}'";
        MethodInfo method = FindMethod(typeof(T), what);
        ConstructorInfo constructor = FindConstructor(typeof(T), what);
        RpcActivation.ThrowIfDisposable(typeof(T), what);
        RpcActivation.TakesSingletonsOnly(constructor, what, services);
        ThrowIfScoped(constructor, what, services.GetRequiredService<RpcServiceRegistrations>());
        T instance = ActivatorUtilities.CreateFactory<T>([typeof(RpcDelegate)])(services, [next]);
        if (method.ReturnType == typeof(ValueTask))
        {
            return method.CreateDelegate<RpcDelegate>(instance);
        }

        Func<RpcContext, Task> invoke = method.CreateDelegate<Func<RpcContext, Task>>(instance);
        return context => new ValueTask(invoke(context));
    }

    private static MethodInfo FindMethod([DynamicallyAccessedMembers(Members)] Type type, string what)
    {
        MethodInfo[] methods = [.. type.GetMethods(BindingFlags.Instance | BindingFlags.Public)
            .Where(item => item.Name is "InvokeAsync" or "Invoke")];
        if (methods.Length != 1)
        {
            throw new InvalidOperationException($"{what} has {methods.Length} public methods InvokeAsync. {Shape}.");
        }

        ParameterInfo[] parameters = methods[0].GetParameters();
        bool takesContext = parameters.Length > 0 && parameters[0].ParameterType == typeof(RpcContext);
        bool fits = takesContext && !methods[0].IsGenericMethod
            && (methods[0].ReturnType == typeof(ValueTask) || methods[0].ReturnType == typeof(Task));
        if (!fits)
        {
            throw new InvalidOperationException($"The method {methods[0].Name} of {Lower(what)} does not fit. {Shape}; a Task will do, too.");
        }

        return parameters.Length == 1 ? methods[0] : throw new InvalidOperationException(
            $"The method {methods[0].Name} of {Lower(what)} takes '{parameters[1].ParameterType} {parameters[1].Name}' beside the RpcContext, "
            + "which is not supported. Take singletons in the constructor; for services of a call implement IRpcMiddleware.");
    }

    private static ConstructorInfo FindConstructor([DynamicallyAccessedMembers(Members)] Type type, string what)
    {
        ConstructorInfo[] constructors = type.IsAbstract ? [] : [.. type.GetConstructors()
            .Where(item => item.GetParameters().Count(parameter => parameter.ParameterType == typeof(RpcDelegate)) == 1)];
        return constructors.Length == 1 ? constructors[0] : throw new InvalidOperationException(
            $"{what} has {constructors.Length} public constructors that take an RpcDelegate, and must have one. {Shape}.");
    }

    // It lives as long as the server, and would keep a service of one call for all.
    private static void ThrowIfScoped(ConstructorInfo constructor, string what, RpcServiceRegistrations registrations)
    {
        foreach (ParameterInfo parameter in constructor.GetParameters())
        {
            object? key = parameter.GetCustomAttribute<FromKeyedServicesAttribute>()?.Key;
            if (registrations.LifetimeOf(parameter.ParameterType, key) == ServiceLifetime.Scoped)
            {
                throw new InvalidOperationException(
                    $"{what} lives as long as the server, and takes the scoped service '{parameter.ParameterType} {parameter.Name}' in its "
                    + "constructor. Implement IRpcMiddleware and register the class as scoped, or get the service from context.RequestServices.");
            }
        }
    }

    private static string Lower(string what) => $"{char.ToLowerInvariant(what[0])}{what[1..]}";
}
