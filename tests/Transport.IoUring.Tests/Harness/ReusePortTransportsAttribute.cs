using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Runs a theory on the transport variants whose loops accept for themselves.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ReusePortTransportsAttribute : DataAttribute
{
    /// <inheritdoc/>
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([.. TransportVariants.ReusePort.Select(variant => new TheoryDataRow(variant))]);

    /// <inheritdoc/>
    public override bool SupportsDiscoveryEnumeration() => true;
}
