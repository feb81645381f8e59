namespace Kestrel.Rpc.Benchmarks.Load.Measure;

/// <summary>Memory of a process that lies in RAM or in swap, in bytes. What the kernel keeps for its sockets is not part of it.</summary>
/// <param name="Resident">All its pages, those of files included (code, for the most part): RSS and swap.</param>
/// <param name="Anonymous">
/// Pages that belong to no file: heaps, stacks, buffers. The kernel drops pages of files that nobody touched for a while, and so takes them off
/// <paramref name="Resident"/> while a measurement is under way; these it can only move to swap, which is counted.
/// </param>
internal sealed record MemoryUse(long Resident, long Anonymous);
