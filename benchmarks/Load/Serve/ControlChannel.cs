using System.Text.Json;

namespace Kestrel.Rpc.Benchmarks.Load.Serve;

/// <summary>
/// Answers each line <c>stats</c> of standard input with one line of JSON. Between two lines its thread sleeps in a read, so that
/// it costs the workload nothing.
/// </summary>
internal static class ControlChannel
{
    public const string StatisticsCommand = "stats";

    /// <summary>Starts the thread; <paramref name="ended"/> is called when standard input ends.</summary>
    public static void Start(Action ended)
    {
        var thread = new Thread(() =>
        {
            while (Console.In.ReadLine() is { } line)
            {
                Console.Out.WriteLine(line == StatisticsCommand
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
}
