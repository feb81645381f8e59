namespace Kestrel.Rpc.Middleware;

/// <summary>The bound on the calls of an end point. The last one counts.</summary>
internal sealed record RpcConcurrencyMetadata(RpcConcurrencyOptions Options);
