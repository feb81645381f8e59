using System.Diagnostics.CodeAnalysis;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Handles a call: on return, or when the task ends, <see cref="RpcContext.Reply"/> is set. An exception fails the call; see
/// <see cref="Protocol.RpcException"/> for choosing what the caller sees.
/// </summary>
/// <param name="context">The call.</param>
/// <returns>Ends with the call.</returns>
[SuppressMessage("Naming", "CA1711", Justification = "Named as its model, RequestDelegate.")]
public delegate ValueTask RpcDelegate(RpcContext context);
