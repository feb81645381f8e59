namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>A C program of benchmarks/limits that does nothing but the workload: what the kernel allows on this machine.</summary>
/// <param name="File">Its source.</param>
/// <param name="Library">The library it is linked with.</param>
/// <param name="Package">The Debian package that brings that library, for the message where it is missing.</param>
internal sealed record LimitSource(string File, string? Library = null, string? Package = null);
