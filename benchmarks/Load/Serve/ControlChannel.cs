using System.Text.Json;

namespace Kestrel.Rpc.Benchmarks.Load.Serve;

/// <summary>
/// Answers each line of standard input with one line of JSON: <c>stats</c> with statistics, <c>collect</c> with the same after a collection
/// of all garbage. Between two lines its thread sleeps in a read, so that it costs the workload nothing.
/// </summary>
internal static class ControlChannel
{
    public const string StatisticsCommand = "stats";
    public const string CollectCommand = "collect";

    /// <summary>Starts the thread; <paramref name="ended"/> is called when standard input ends.</summary>
    public static void Start(Action ended)
    {
        var thread = new Thread(() =>
        {
            while (Console.In.ReadLine() is { } line)
            {
                if (line == CollectCommand)
                {
                    Collect();
                }

                Console.Out.WriteLine(line is StatisticsCommand or CollectCommand
                    ? JsonSerializer.Serialize(ServerStatistics.Take())
                    : $"unknown command '{line}'");
            }

            ended();
        })
        {
            IsBackground = true,
            Name = "control",
        };
        thread.Start();
    }

    /// <summary>Gives back to the kernel what holds no live object, as a server does in the end that stays idle.</summary>
    private static void Collect()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);

        // What finalizers released goes with a second collection.
        GC.WaitForPendingFinalizers();
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
