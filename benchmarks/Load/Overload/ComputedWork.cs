using System.Diagnostics;

namespace Kestrel.Rpc.Benchmarks.Load.Overload;

/// <summary>
/// Work that needs a processor: so many steps, whatever the clock says. A loop until some time has passed would be no work, since time passes for a thread that does not run, too: a hundred at once
/// would end as soon as one.
/// </summary>
internal sealed class ComputedWork
{
    private const int FirstGuess = 100_000;
    private const int Tries = 20;

    private static ulong s_sink;

    private readonly int _steps;

    private ComputedWork(int steps) => _steps = steps;

    /// <summary>Work that takes this long on a processor of its own, as of now.</summary>
    public static ComputedWork Of(TimeSpan time)
    {
        double fastest = double.MaxValue;
        for (int i = 0; i < Tries; i++)
        {
            long start = Stopwatch.GetTimestamp();
            Compute(FirstGuess);
            fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return new ComputedWork((int)(FirstGuess * time.TotalSeconds / fastest));
    }

    public void Run() => Compute(_steps);

    // A step needs the one before it, so that no compiler makes less of them.
    private static void Compute(int steps)
    {
        ulong value = (ulong)steps;
        for (int i = 0; i < steps; i++)
        {
            value = (value * 6364136223846793005) + 1442695040888963407;
        }

        Volatile.Write(ref s_sink, value);
    }
}
