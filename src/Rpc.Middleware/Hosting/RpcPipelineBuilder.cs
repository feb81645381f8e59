namespace Kestrel.Rpc.Middleware;

/// <summary>Collects the middleware of the RPC pipeline. For use inside <c>app.UseRpc(rpc => ...)</c> only.</summary>
public sealed class RpcPipelineBuilder
{
    private readonly List<Func<RpcDelegate, RpcDelegate>> _middleware = [];
    private bool _frozen;

    internal RpcPipelineBuilder(IServiceProvider services) => ApplicationServices = services;

    /// <summary>The services of the application, for middleware that needs some when it is composed.</summary>
    public IServiceProvider ApplicationServices { get; }

    /// <summary>Adds middleware that gets the call and the rest of the pipeline.</summary>
    /// <param name="middleware">
    /// Calls <c>next</c> to go on, or sets <see cref="RpcContext.Reply"/> or throws to answer itself. Runs for many calls at once.
    /// </param>
    /// <exception cref="InvalidOperationException">The callback of <c>app.UseRpc</c> has ended.</exception>
    public RpcPipelineBuilder Use(Func<RpcContext, RpcDelegate, ValueTask> middleware)
    {
        ArgumentNullException.ThrowIfNull(middleware);
        return Use(next => context => middleware(context, next));
    }

    /// <summary>Adds middleware that wraps the rest of the pipeline, once for every method.</summary>
    /// <param name="middleware">Gets the rest of the pipeline, returns what stands in its place.</param>
    /// <exception cref="InvalidOperationException">The callback of <c>app.UseRpc</c> has ended.</exception>
    public RpcPipelineBuilder Use(Func<RpcDelegate, RpcDelegate> middleware)
    {
        ArgumentNullException.ThrowIfNull(middleware);
        if (_frozen)
        {
            throw new InvalidOperationException("The pipeline is complete: add middleware inside the callback of app.UseRpc(...).");
        }

        _middleware.Add(middleware);
        return this;
    }

    internal IReadOnlyList<Func<RpcDelegate, RpcDelegate>> Freeze()
    {
        _frozen = true;
        return _middleware;
    }
}
