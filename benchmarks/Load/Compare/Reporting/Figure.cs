namespace Kestrel.Rpc.Benchmarks.Load.Compare.Reporting;

/// <summary>Something that is measured: a column of the report.</summary>
/// <param name="Name">In the JSON report, which has it in its basic unit.</param>
/// <param name="Title">In the tables, with the unit.</param>
/// <param name="Format">Of its number there.</param>
/// <param name="Of">Takes it from a sample; <see langword="null"/> if that server cannot tell.</param>
internal sealed record Figure(string Name, string Title, string Format, Func<Sample, double?> Of)
{
    /// <summary>What the tables multiply it by.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>Whether the report divides it by the peers'.</summary>
    public bool Compared { get; init; }

    /// <summary>Whether the report subtracts the peers' from it: where theirs may be 0, or stands for what no transport can change.</summary>
    public bool Subtracted { get; init; }
}
