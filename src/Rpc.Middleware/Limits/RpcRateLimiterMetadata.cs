namespace Kestrel.Rpc.Middleware;

/// <summary>A limiter of the application in front of an end point. All of them count.</summary>
internal sealed record RpcRateLimiterMetadata(RpcGate Gate);
