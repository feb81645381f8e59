namespace Kestrel.Rpc.Middleware;

/// <summary>Where the calls of an end point run. The last one counts.</summary>
internal sealed record RpcSchedulingMetadata(RpcScheduling Scheduling);
