namespace Kestrel.Rpc.Middleware;

/// <summary>The end point is reached over HTTP, too.</summary>
internal sealed record RpcHttpMetadata
{
    public static RpcHttpMetadata Instance { get; } = new();
}
