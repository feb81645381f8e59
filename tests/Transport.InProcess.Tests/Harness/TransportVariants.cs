using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

[assembly: RegisterXunitSerializer(typeof(Kestrel.Rpc.Transport.Tests.TransportVariantSerializer), typeof(Kestrel.Rpc.Transport.Tests.TransportVariant))]

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>The variants of the conformance suite.</summary>
internal static class TransportVariants
{
    public static IReadOnlyList<TransportVariant> All { get; } =
    [
        new(InProcessScheduling.ThreadPool, Named: true),
        new(InProcessScheduling.Inline, Named: true),
        new(InProcessScheduling.ThreadPool, Named: false),
    ];

    /// <summary>The variant with this name.</summary>
    public static TransportVariant Parse(string name) => All.Single(candidate => candidate.ToString() == name);
}

/// <summary>Runs a theory on every variant, or on those that match its properties.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TransportsAttribute : DataAttribute
{
    /// <summary>Leaves out the variants whose handlers must not block.</summary>
    public bool PoolOnly { get; init; }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([.. TransportVariants.All.Where(variant => !(PoolOnly && variant.IsInline)).Select(variant => new TheoryDataRow(variant))]);

    /// <inheritdoc/>
    public override bool SupportsDiscoveryEnumeration() => true;
}

/// <summary>Lets the test explorer name and select single variants.</summary>
public sealed class TransportVariantSerializer : IXunitSerializer
{
    /// <inheritdoc/>
    public object Deserialize(Type type, string serializedValue) => TransportVariants.Parse(serializedValue);

    /// <inheritdoc/>
    public bool IsSerializable(Type type, object? value, [NotNullWhen(false)] out string? failureReason)
    {
        failureReason = value is TransportVariant ? null : "Not a transport variant.";
        return failureReason is null;
    }

    /// <inheritdoc/>
    public string Serialize(object value) => value.ToString()!;
}
