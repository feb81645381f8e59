namespace Kestrel.Rpc.Middleware;

/// <summary>Who goes first where calls wait, and who is refused last. The order of the values is used.</summary>
internal enum RpcCallPriority
{
    Low,
    Normal,
    High,
}
