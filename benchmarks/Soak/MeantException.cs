namespace Kestrel.Rpc.Benchmarks.Soak;

/// <summary>What a handler throws because it was asked to.</summary>
internal sealed class MeantException() : Exception("As asked for.");
