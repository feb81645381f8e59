using System.Globalization;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Overload;

/// <summary>The scenes: unloaded and at its peak without the limit; then twice the peak, without and with it.</summary>
internal sealed class OverloadRun(OverloadSettings settings, CancellationToken cancellationToken)
{
    private const double FirstGuess = 500; // calls a second, for warming up
    private const double Unloaded = 0.1; // of the peak

    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(20);

    private OverloadScene? _unloaded;
    private OverloadScene? _peak;
    private OverloadScene? _without;
    private OverloadScene? _with;

    public OverloadReport Report => new(_unloaded!, _peak!, _with!, _without!);

    /// <summary>Measures the server without the limit.</summary>
    /// <param name="port">Where it listens.</param>
    /// <param name="process">Its process id.</param>
    public void MeasureWithout(int port, int process)
    {
        using OpenRun run = new(settings.Connections, port);
        Offer(run, "warming up", FirstGuess, 2 * Step, process);
        double rate = FindPeak(run, process);
        _unloaded = Offer(run, "unloaded", rate * Unloaded, settings.Window, process);
        _peak = Offer(run, "peak", rate, settings.Window, process);
        _without = Offer(run, "2 x peak, no limit", 2 * rate, settings.Window, process);
    }

    /// <summary>Measures the server with the limit.</summary>
    /// <param name="port">Where it listens.</param>
    /// <param name="process">Its process id.</param>
    public void MeasureWith(int port, int process)
    {
        using OpenRun run = new(settings.Connections, port);
        Offer(run, "warming up", FirstGuess, 2 * Step, process);

        // The limit learns from load.
        Offer(run, "the limit learns", 2 * _peak!.Offered, 3 * Step, process);
        _with = Offer(run, "2 x peak, limit", 2 * _peak.Offered, settings.Window, process);
    }

    // Grows while nearly all calls are answered in time.
    private double FindPeak(OpenRun run, int process)
    {
        double best = 0;
        for (double rate = FirstGuess; ; rate *= 1.15)
        {
            OverloadScene scene = Offer(run, "looking for the peak", rate, Step, process);
            if (scene.Good < 0.95 * scene.Offered)
            {
                return best > 0 ? best : throw new LoadException($"{rate} calls a second are too many already");
            }

            best = rate;
        }
    }

    private OverloadScene Offer(OpenRun run, string name, double rate, TimeSpan time, int process)
    {
        OpenTally tally = new(settings.Patience);
        run.Run(rate, time, tally, cancellationToken);
        OverloadScene scene = OverloadScene.Of(name, tally, time, ProcessProbe.ResidentBytes(process));
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {scene.Offered:F0}/s, good {scene.Good:F0}/s, refused {scene.Refused:F0}/s, unsent {tally.Unsent}, p99 {scene.P99:F2} ms"));
        return run.Settle(Settling, cancellationToken) ? scene : throw new LoadException($"{name}: calls are still not answered after {Settling}");
    }
}
