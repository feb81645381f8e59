namespace Kestrel.Rpc.Middleware;

/// <summary>The server's bound on calls does not hold for the end point.</summary>
internal sealed record RpcUnlimitedMetadata;
