using Kestrel.Rpc.Benchmarks.Load.Cli;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>One of the servers that are compared: a transport with a scheduling, or a C program.</summary>
internal sealed record Variant(string Name)
{
    /// <summary>The transport below Kestrel; <see langword="null"/> for a C program.</summary>
    public TransportKind? Transport { get; init; }

    public Scheduling Scheduling { get; init; }

    /// <summary>The compiled program; <see langword="null"/> for a transport.</summary>
    public string? Program { get; init; }

    /// <summary>The Sockets variant this one is set against: the one with the same scheduling. A C program's one thread is inline.</summary>
    public string Baseline => NameOf(TransportKind.Sockets, Scheduling);

    public static Variant Of(TransportKind transport, Scheduling scheduling) =>
        new(NameOf(transport, scheduling)) { Transport = transport, Scheduling = scheduling };

    public static Variant Of(LimitProgram program) =>
        new(program.Name) { Program = program.Executable, Scheduling = Scheduling.Inline };

    private static string NameOf(TransportKind transport, Scheduling scheduling) =>
        $"{Names.Of(transport)} {Names.Of(scheduling)}";
}
