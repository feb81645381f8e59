using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Client;

/// <summary>What the server process has used so far, seen from outside; all 0 if no process was named.</summary>
internal sealed record ServerUsage
{
    /// <summary>User and system time. Seconds.</summary>
    public double Cpu { get; private init; }

    /// <summary>The user part of <see cref="Cpu"/>. Seconds.</summary>
    public double User { get; private init; }

    /// <summary>The time the server's core was busy with anything at all. Seconds; 0 if no core was named.</summary>
    public double Core { get; private init; }

    /// <summary>Resident bytes now.</summary>
    public long Resident { get; private init; }

    /// <summary>Context switches, by thread.</summary>
    public IReadOnlyDictionary<int, long>? Switches { get; private init; }

    public static ServerUsage Take(LoadSettings settings)
    {
        double core = settings.ServerCore is { } number ? ProcessProbe.CoreBusySeconds(number) : 0;
        return settings.ServerProcess is { } pid
            ? new ServerUsage
            {
                Cpu = ProcessProbe.CpuSeconds(pid),
                User = ProcessProbe.UserSeconds(pid),
                Core = core,
                Resident = ProcessProbe.ResidentBytes(pid),
                Switches = ThreadSwitches.Of(pid),
            }
            : new ServerUsage { Core = core };
    }
}
