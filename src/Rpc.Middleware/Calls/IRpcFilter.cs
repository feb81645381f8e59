using System.Diagnostics.CodeAnalysis;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// A filter of one method, of a group or of all methods, around the handler and behind all middleware; the counterpart of
/// ASP.NET Core's <c>IEndpointFilter</c>. Added with <c>AddRpcFilter&lt;TFilter>()</c>.
/// </summary>
public interface IRpcFilter
{
    /// <summary>
    /// Handles a call: looks at <see cref="RpcContext.Request"/>, calls <paramref name="next"/> to go on, reads or replaces
    /// <see cref="RpcContext.Reply"/> afterwards. It may set the reply itself, or throw, instead of going on. Runs for many
    /// calls at once if all calls share the instance.
    /// </summary>
    /// <param name="context">The call.</param>
    /// <param name="next">The filters behind this one, and the handler.</param>
    /// <returns>Ends when the filter is done with the call.</returns>
    [SuppressMessage("Naming", "CA1716", Justification = "Named as in its model.")]
    ValueTask InvokeAsync(RpcContext context, RpcDelegate next);
}
