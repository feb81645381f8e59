namespace Kestrel.Rpc.Middleware;

/// <summary>A service and where it listens, as configuration says.</summary>
/// <param name="Key">The path of its section.</param>
/// <param name="Name">The name on the wire.</param>
/// <param name="Address">Where it listens.</param>
internal sealed record RpcConfiguredService(string Key, string Name, RpcListenAddress Address);
