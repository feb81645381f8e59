using System.ComponentModel;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <summary>Gives a handler one of its services. For generated code; see <see cref="RpcDelegateBinding"/>. Any thread.</summary>
/// <typeparam name="T">The service.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class RpcDelegateService<T>
{
    private readonly IServiceProvider? _root; // of a singleton
    private readonly object? _key;
    private readonly bool _isValue;
    private T? _value; // the value, or the singleton once a call has asked for it

    internal RpcDelegateService(IServiceProvider? root, object? key)
    {
        _root = root;
        _key = key;
    }

    internal RpcDelegateService(T value)
    {
        _value = value;
        _isValue = true;
    }

    /// <summary>The service for a call.</summary>
    /// <param name="context">The call.</param>
    /// <returns>The service.</returns>
    /// <exception cref="InvalidOperationException">It cannot be had.</exception>
    public T Get(RpcContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (_isValue)
        {
            return _value!;
        }

        if (_root is null)
        {
            return Resolve(context.RequestServices);
        }

        // A boxed value is asked for each time: it could be seen half written.
        return typeof(T).IsValueType ? Resolve(_root) : _value ??= Resolve(_root);
    }

    private T Resolve(IServiceProvider services) => _key is null
        ? (T)services.GetRequiredService(typeof(T))
        : (T)services.GetRequiredKeyedService(typeof(T), _key);
}
