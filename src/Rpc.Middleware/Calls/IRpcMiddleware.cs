using System.Diagnostics.CodeAnalysis;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Middleware of the RPC pipeline that dependency injection makes; the counterpart of ASP.NET Core's <c>IMiddleware</c>. Added
/// with <c>app.UseRpc(rpc => rpc.Use&lt;TMiddleware>())</c>.
/// </summary>
public interface IRpcMiddleware
{
    /// <summary>
    /// Handles a call: calls <paramref name="next"/> to go on, or sets <see cref="RpcContext.Reply"/> or throws to answer
    /// itself. Runs for many calls at once if the class is registered as a singleton.
    /// </summary>
    /// <param name="context">The call.</param>
    /// <param name="next">The rest of the pipeline.</param>
    /// <returns>Ends when the middleware is done with the call.</returns>
    [SuppressMessage("Naming", "CA1716", Justification = "Named as in its model.")]
    ValueTask InvokeAsync(RpcContext context, RpcDelegate next);
}
