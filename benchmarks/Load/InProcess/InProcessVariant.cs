namespace Kestrel.Rpc.Benchmarks.Load.InProcess;

/// <summary>What carries the bytes, and where the application's code runs.</summary>
internal sealed record InProcessVariant(bool InProcess, bool Inline)
{
    public static IReadOnlyList<InProcessVariant> All { get; } =
    [
        new(InProcess: false, Inline: false),
        new(InProcess: true, Inline: false),
        new(InProcess: false, Inline: true),
        new(InProcess: true, Inline: true),
    ];

    public static InProcessVariant Parse(string name) => All.Single(variant => variant.ToString() == name);

    public override string ToString() => $"{(InProcess ? "inprocess" : "sockets")}-{(Inline ? "inline" : "pool")}";
}
