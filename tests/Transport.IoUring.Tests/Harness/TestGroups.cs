namespace Kestrel.Rpc.Transport.Tests;

/// <summary>The tests that keep all processors busy run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class StressGroup
{
    /// <summary>The name of the collection.</summary>
    public const string Name = "Stress";
}

/// <summary>The tests that measure a process, which is a child: nothing else of ours runs meanwhile.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class MeasuringGroup
{
    /// <summary>The name of the collection.</summary>
    public const string Name = "Measuring";
}
