using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// The two ends of a <see cref="BoundedRing{T}"/>, apart from each other and from what lies beside: cache lines have 64 bytes and
/// are fetched in pairs.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 384)]
internal struct BoundedRingPositions
{
    /// <summary>Where the next item goes; the producers'.</summary>
    [FieldOffset(128)]
    public int Tail;

    /// <summary>Where the next item comes from; the consumer's.</summary>
    [FieldOffset(256)]
    public int Head;
}
