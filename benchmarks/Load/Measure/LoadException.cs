namespace Kestrel.Rpc.Benchmarks.Load.Measure;

/// <summary>A measurement that is worth nothing: a wrong reply, a closed connection, a server that did not start.</summary>
internal sealed class LoadException(string message) : Exception(message);
