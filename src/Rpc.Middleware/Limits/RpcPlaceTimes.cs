using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Middleware;

/// <summary>Since when a call has its places, as timestamps; by <see cref="RpcGateKind"/>.</summary>
[InlineArray((int)RpcGateKind.OfServer + 1)]
internal struct RpcPlaceTimes
{
    private long _first;
}
