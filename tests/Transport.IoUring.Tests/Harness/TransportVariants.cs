using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

[assembly: RegisterXunitSerializer(typeof(Kestrel.Rpc.Transport.Tests.TransportVariantSerializer), typeof(Kestrel.Rpc.Transport.Tests.TransportVariant))]

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>The variants of the conformance suite.</summary>
internal static class TransportVariants
{
    public static TransportVariant Sockets { get; } = new(TransportKind.Sockets, 1, ApplicationScheduling.ThreadPool);

    public static IReadOnlyList<TransportVariant> All { get; } =
    [
        Sockets,
        .. from kind in new[] { TransportKind.Epoll, TransportKind.IoUring }
           from loops in new[] { 1, 2 }
           from scheduling in new[] { ApplicationScheduling.ThreadPool, ApplicationScheduling.Inline }
           select new TransportVariant(kind, loops, scheduling),
        new(TransportKind.Blocking, 1, ApplicationScheduling.Inline),
        new(TransportKind.Blocking, 1, ApplicationScheduling.ThreadPool),
    ];

    /// <summary>The variants whose loops poll, which run the checks that polling could break.</summary>
    public static IReadOnlyList<TransportVariant> Polling { get; } =
    [
        new(TransportKind.Epoll, 1, ApplicationScheduling.Inline) { Polling = TransportPolling.Spin },
        new(TransportKind.Epoll, 2, ApplicationScheduling.ThreadPool) { Polling = TransportPolling.SpinThenSleep },
        new(TransportKind.IoUring, 1, ApplicationScheduling.Inline) { Polling = TransportPolling.Spin },
        new(TransportKind.IoUring, 2, ApplicationScheduling.ThreadPool) { Polling = TransportPolling.SpinThenSleep },
        new(TransportKind.IoUring, 1, ApplicationScheduling.ThreadPool) { Polling = TransportPolling.SubmissionQueue },
        new(TransportKind.IoUring, 1, ApplicationScheduling.Inline) { Polling = TransportPolling.Both },
        new(TransportKind.Blocking, 1, ApplicationScheduling.Inline) { Polling = TransportPolling.SpinThenSleep },
    ];

    /// <summary>The variants whose loops accept for themselves, which run the checks that concern accepting and binding.</summary>
    public static IReadOnlyList<TransportVariant> ReusePort { get; } =
    [
        .. from kind in new[] { TransportKind.Epoll, TransportKind.IoUring }
           from scheduling in new[] { ApplicationScheduling.ThreadPool, ApplicationScheduling.Inline }
           select new TransportVariant(kind, 2, scheduling) { Accept = AcceptStrategy.ReusePort },
    ];

    /// <summary>The variant with this name, with its wrapper if the name tells one.</summary>
    public static TransportVariant Parse(string name)
    {
        string[] parts = name.Split('+');
        TransportVariant variant = All.Concat(Polling).Concat(ReusePort).Single(candidate => candidate.ToString() == parts[0]);
        return parts.Length == 1
            ? variant
            : variant with { Wrapper = typeof(TransportVariants).Assembly.GetTypes().Single(type => type.Name == parts[1]) };
    }
}

/// <summary>Runs a theory on every transport variant, or on those that match its properties.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TransportsAttribute : DataAttribute
{
    /// <summary>Leaves out the variants whose handlers must not block.</summary>
    public bool PoolOnly { get; init; }

    /// <summary>Leaves out Kestrel's Sockets transport.</summary>
    public bool OwnOnly { get; init; }

    /// <summary>Leaves out the variants with two loops: for what costs much time and does not depend on the number of loops.</summary>
    public bool OneLoop { get; init; }

    /// <summary>Leaves out the transport that has a thread for every connection: for what concerns loops that are shared.</summary>
    public bool SharedLoops { get; init; }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([.. TransportVariants.All.Where(Matches).Select(variant => new TheoryDataRow(variant))]);

    /// <inheritdoc/>
    public override bool SupportsDiscoveryEnumeration() => true;

    private bool Matches(TransportVariant variant) =>
        !(PoolOnly && variant.IsInline) && !(OwnOnly && variant.Kind == TransportKind.Sockets) && !(OneLoop && variant.Loops > 1)
        && !(SharedLoops && variant.Kind == TransportKind.Blocking);
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
