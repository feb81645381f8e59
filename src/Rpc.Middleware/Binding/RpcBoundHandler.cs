namespace Kestrel.Rpc.Middleware;

/// <summary>A delegate made fit for the pipeline: what parses its request, and what calls it.</summary>
internal readonly record struct RpcBoundHandler(RpcRequestParser Parser, RpcDelegate Handler);
