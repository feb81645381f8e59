namespace Kestrel.Rpc.Invocation;

/// <summary>What became of an item for a <see cref="BoundedRing{T}"/>.</summary>
internal enum RingStatus
{
    Done,
    Full,
    Closed,
}
