using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>A further name that an end point answers to.</summary>
internal sealed record RpcWireNameMetadata(RpcMethodName Name);
