namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>What <see cref="FailingPool"/> throws.</summary>
public sealed class NoMemoryException : Exception;
