namespace Kestrel.Rpc.Middleware;

/// <summary>The longest time that the calls of an end point have, from when their requests were read.</summary>
internal sealed record RpcDeadlineMetadata(TimeSpan Deadline);
