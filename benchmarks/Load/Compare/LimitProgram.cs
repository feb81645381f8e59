namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>A C server that does nothing but the workload: what the kernel allows on this machine.</summary>
/// <param name="Name">As it stands in the report.</param>
/// <param name="Executable">The compiled program.</param>
internal sealed record LimitProgram(string Name, string Executable);
