using System.Diagnostics;
using System.Globalization;

namespace Kestrel.Rpc.Benchmarks.Soak;

/// <summary>A short round that warms everything up, then the long one; what the second leaves beyond the first has leaked.</summary>
internal sealed class SoakRun(TimeSpan time, TimeSpan longestLife, int seed, SoakTransport transport, CountingMemoryPool memory, TextWriter report)
{
    private const int Clients = 6;
    private const int Hostiles = 2;
    private const int RestartsAtLeast = 4;

    // Threads, caches and statistics of the runtime settle while a process runs; a leak of some bytes a call is more than this within a minute.
    private const long HeapMayGrow = 8 << 20;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan BetweenSamples = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(60);

    private SoakServer? _current;
    private int _restarts;

    /// <summary>Runs.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync()
    {
        Tally warmUp = new();
        await RoundAsync(WarmUp, seed, warmUp, new ResidentTrend());
        Resources start = await Resources.SettleAsync(memory, limit: null);
        Say($"start: {start}, {ResidentParts.Look()}");

        Tally tally = new();
        ResidentTrend trend = new();
        await RoundAsync(time, seed + 1, tally, trend);
        Resources end = await Resources.SettleAsync(memory, start);
        Say($"end: {end}, {ResidentParts.Look()}, {memory.EverRented} blocks ever rented");
        return Report(start, end, warmUp, tally, trend);
    }

    private async Task RoundAsync(TimeSpan length, int roundSeed, Tally tally, ResidentTrend trend)
    {
        _restarts = 0;
        _current = await SoakServer.StartAsync(transport, memory, tally);
        using CancellationTokenSource end = new();
        Random random = new(roundSeed);
        SoakClient client = new(() => Volatile.Read(ref _current)!, tally);
        HostilePeer hostile = new(() => Volatile.Read(ref _current)!, tally);
        Task[] peers =
        [
            .. Enumerable.Range(0, Clients).Select(_ => new Random(random.Next())).Select(own => Task.Run(() => client.RunAsync(own, end.Token))),
            .. Enumerable.Range(0, Hostiles).Select(_ => new Random(random.Next())).Select(own => Task.Run(() => hostile.RunAsync(own, end.Token))),
        ];
        Stopwatch clock = Stopwatch.StartNew();
        TimeSpan life = length / RestartsAtLeast < longestLife ? length / RestartsAtLeast : longestLife;
        TimeSpan nextRestart = life;
        TimeSpan nextLine = BetweenLines;
        while (clock.Elapsed < length)
        {
            await Task.Delay(BetweenSamples);
            ResidentParts parts = ResidentParts.Look();
            trend.Add(clock.Elapsed, parts);
            if (clock.Elapsed >= nextLine)
            {
                nextLine += BetweenLines;
                Say($"{parts}; {memory.Rented} blocks out, {tally.Connections} connections, {tally.Pending} calls, {_restarts} restarts");
            }

            if (clock.Elapsed >= nextRestart)
            {
                nextRestart += life;
                await RestartAsync(tally);
            }
        }

        await end.CancelAsync();
        await EndAsync(Task.WhenAll(peers), "the peers", tally);
        await _current.StopAsync(tally);
        await EndAsync(_current.DisposeAsync().AsTask(), "the server", tally);
    }

    // The next one takes over before the last one goes.
    private async Task RestartAsync(Tally tally)
    {
        _restarts++;
        SoakServer before = _current!;
        Volatile.Write(ref _current, await SoakServer.StartAsync(transport, memory, tally));
        await before.StopAsync(tally);
        await EndAsync(before.DisposeAsync().AsTask(), "a server", tally);
    }

    private static async Task EndAsync(Task task, string what, Tally tally)
    {
        try
        {
            await task.WaitAsync(EndLimit);
        }
        catch (TimeoutException)
        {
            tally.Fault($"After {EndLimit} {what} had not ended: {tally.Pending} calls, {tally.Handlers} handlers, {tally.Connections} connections.");
        }
    }

    private int Report(Resources start, Resources end, Tally warmUp, Tally tally, ResidentTrend trend)
    {
        foreach ((string kind, long count) in tally.EndsByKind)
        {
            Say($"  {kind}: {count}");
        }

        (double slope, double growth, double limit) = trend.SecondHalf();
        Say($"{tally.Ends} calls and peers, {_restarts} restarts; resident set in the second half: {slope / 1024:F1} KiB/s, "
            + $"{growth / 1024:F0} KiB in all, {limit / 1024:F0} KiB allowed");
        Say(string.Create(
            CultureInfo.InvariantCulture,
            $"  by part, in KiB/s: heap {trend.SlopeOf(parts => parts.Heap) / 1024:F1} (live {trend.SlopeOf(parts => parts.Live) / 1024:F1}), "
            + $"native {trend.SlopeOf(parts => parts.Native) / 1024:F1}, mapped {trend.SlopeOf(parts => parts.Mapped) / 1024:F1}; "
            + $"{trend.SlopeOf(parts => parts.Compiled):F1} methods compiled a second"));
        List<string> leaks =
        [
            .. end.Exceeds(start, HeapMayGrow),
            .. Left("calls", tally.Pending),
            .. Left("handlers", tally.Handlers),
            .. Left("streams", tally.Streams),
            .. Left("connections", tally.Connections),
        ];
        if (growth > limit)
        {
            leaks.Add($"the resident set grows by {slope / 1024:F1} KiB/s");
        }

        leaks.ForEach(leak => Say($"LEAK: {leak}"));
        foreach (string fault in warmUp.Faults.Concat(tally.Faults))
        {
            Say($"FAULT: {fault}");
        }

        int faults = warmUp.FaultCount + tally.FaultCount;
        bool isGood = leaks.Count == 0 && faults == 0 && tally.Ends > 0;
        Say(isGood ? "Nothing is left behind." : $"{leaks.Count} leaks, {faults} faults.");
        return isGood ? 0 : 1;
    }

    private static IEnumerable<string> Left(string what, long count) => count == 0 ? [] : [$"{count} {what}"];

    private void Say(string line) => report.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:HH:mm:ss} {line}"));
}
