using System.Diagnostics;
using Kestrel.Rpc.Benchmarks.Load.Client;
using Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;
using Kestrel.Rpc.Benchmarks.Load.Client.Loops;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Fairness;

/// <summary>The client: all connections and all scenes on one thread, so that disturbing costs the measured connections no thread switch here.</summary>
internal sealed class FairnessRun(FairnessSettings settings, int port)
{
    /// <summary>Between scenes, not measured: what the one before has left is worked off, and the pool has the threads it needs.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(0.3);

    /// <summary>
    /// The same where a handler blocks: a server on one core has one thread in its pool, and the pool takes 0.5 to 1.5 s to see that it needs another. Until then
    /// nothing of the process runs there; that is the pool's rule, and no part of what is measured.
    /// </summary>
    private static readonly TimeSpan SettlingOfPool = TimeSpan.FromSeconds(2.2);

    private static readonly TimeSpan TurnOfSlowReader = TimeSpan.FromMilliseconds(10);

    private static readonly Disturbance[] Scenes = Enum.GetValues<Disturbance>();

    /// <summary>Measures every scene in every round.</summary>
    /// <param name="measured">Gets each window's round, scene, and what was counted of the measured connections.</param>
    public void Run(Action<int, Disturbance, Tally> measured)
    {
        DisturbingExchange disturbing = new();
        using RequestLoop loop = new(
            Enumerable.Range(0, settings.Connections).Select(Exchange (_) => new RpcVersion2Exchange(settings.InFlight)).Append(disturbing));
        loop.Start(port);
        RunFor(loop, settings.Warmup, new Tally(), null);
        for (int round = 0; round < settings.Rounds; round++)
        {
            // Every other round goes backwards, so that a drift of the machine hits all alike.
            foreach (Disturbance scene in round % 2 == 0 ? Scenes : Scenes.Reverse())
            {
                using SlowReader? slow = scene == Disturbance.SlowReader ? new SlowReader(port) : null;
                disturbing.Doing = scene;
                RunFor(loop, scene == Disturbance.StuckHandler ? SettlingOfPool : Settling, new Tally(), slow);
                int messages = disturbing.Messages;
                var tally = new Tally();
                RunFor(loop, settings.Window, tally, slow);
                if (scene == Disturbance.LongMessage && disturbing.Messages == messages)
                {
                    throw new LoadException("no long message was answered in the window");
                }

                measured(round, scene, tally);
            }
        }

        disturbing.Doing = Disturbance.None;
        RunFor(loop, Settling, new Tally(), null);
    }

    private static void RunFor(RequestLoop loop, TimeSpan time, Tally tally, SlowReader? slow)
    {
        long end = Stopwatch.GetTimestamp() + Ticks(time);
        while (slow is not null && Stopwatch.GetTimestamp() < end)
        {
            slow.Turn();
            loop.RunUntil(Math.Min(end, Stopwatch.GetTimestamp() + Ticks(TurnOfSlowReader)), tally);
        }

        loop.RunUntil(end, tally);
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);
}
