using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>How and when a call has ended.</summary>
/// <param name="Status">OK, the error that the caller gets, or CANCELLED if nobody is there to get anything.</param>
/// <param name="Timestamp">Of the server's clock.</param>
/// <param name="Duration">Since its request was read.</param>
internal readonly record struct RpcCallEnd(RpcStatusCode Status, long Timestamp, TimeSpan Duration);
