namespace Kestrel.Rpc.Middleware;

/// <summary>Protocol data as it came over the wire, and where it leads. Immutable.</summary>
internal sealed record RpcSpelling(byte[] Bytes, RpcRoute Route);
