using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Runs a theory on the transport variants whose loops poll.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PollingTransportsAttribute : DataAttribute
{
    /// <summary>Leaves out the variants whose loops never sleep.</summary>
    public bool SleepingOnly { get; init; }

    /// <summary>
    /// Leaves out those too that have a kernel thread: for checks that change threads so often that on a machine of two
    /// processors they would mostly wait for a thread that spins to be preempted.
    /// </summary>
    public bool OneThread { get; init; }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([.. TransportVariants.Polling
            .Where(variant => variant.Polling == TransportPolling.SpinThenSleep
                || (!OneThread && (!SleepingOnly || variant.Polling == TransportPolling.SubmissionQueue)))
            .Select(variant => new TheoryDataRow(variant))]);

    /// <inheritdoc/>
    public override bool SupportsDiscoveryEnumeration() => true;
}
