namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>One measurement: one variant in one round.</summary>
internal sealed record PlanStep(Scene Scene, Variant Variant, int Round);
