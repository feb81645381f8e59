using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Invocation;

/// <summary>
/// Where the writers and the readers of a <see cref="BoundedRing{T}"/> are. Each has a pair of cache lines of its own: processors fetch lines in pairs.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 384)]
internal struct RingPositions
{
    [FieldOffset(128)]
    public long Tail;

    [FieldOffset(256)]
    public long Head;
}
