using System.ComponentModel;
using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Finds the services among a handler's parameters, once, when it is mapped. For generated code; see <see cref="RpcDelegateBinding"/>. Used by one
/// thread.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class RpcDelegateParameters
{
    private readonly RpcMethodName _name;
    private readonly IServiceProvider _services;
    private readonly RpcServiceRegistrations _registrations;
    private readonly IServiceProviderIsService? _isService;

    internal RpcDelegateParameters(RpcMethodName name, IServiceProvider services)
    {
        _name = name;
        _services = services;
        _registrations = services.GetRequiredService<RpcServiceRegistrations>();
        _isService = services.GetService<IServiceProviderIsService>();
    }

    /// <summary>A service that must be there.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="parameter">The parameter's name, for the message.</param>
    /// <param name="key">The key of a keyed service; null for none.</param>
    /// <returns>What gives it to each call.</returns>
    /// <exception cref="InvalidOperationException">It is not registered.</exception>
    public RpcDelegateService<T> Service<T>(string parameter, object? key = null) =>
        IsService(typeof(T), key) ? Find<T>(key) : throw Missing(_name, typeof(T), parameter, key);

    /// <summary>A service in whose place a parameter has a default value.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="defaultValue">The value.</param>
    /// <param name="key">The key of a keyed service; null for none.</param>
    /// <returns>What gives it to each call.</returns>
    public RpcDelegateService<T> ServiceOr<T>(T defaultValue, object? key = null) =>
        IsService(typeof(T), key) ? Find<T>(key) : new RpcDelegateService<T>(defaultValue);

    /// <summary>What a developer is told whose handler takes what is not there.</summary>
    internal static InvalidOperationException Missing(RpcMethodName name, Type type, string? parameter, object? key)
    {
        string keyText = key is null ? "" : $" with the key '{key}'";
        return new InvalidOperationException(
            $"The handler of the RPC method '{name}' has a parameter '{parameter}' of type {type} that cannot be bound: it is not the request "
            + $"message, an RpcContext or a CancellationToken, and no service of that type{keyText} is registered. Register the service "
            + "before builder.Build(), or remove the parameter.");
    }

    // A container that cannot tell is believed to have the service; a call that finds it missing fails with its message.
    private bool IsService(Type type, object? key) => key is null
        ? _isService?.IsService(type) ?? true
        : (_isService as IServiceProviderIsKeyedService)?.IsKeyedService(type, key) ?? true;

    // Singletons come from the root: asking the call for its services would create a scope.
    private RpcDelegateService<T> Find<T>(object? key) => new(_registrations.IsSingleton(typeof(T), key) ? _services : null, key);
}
