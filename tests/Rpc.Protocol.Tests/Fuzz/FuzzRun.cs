using System.Buffers;
using System.Diagnostics;
using System.Globalization;

namespace Kestrel.Rpc.Protocol.Tests.Fuzz;

/// <summary>
/// Feeds a parser with inputs. Fails for an exception, for an input that takes longer than <see cref="Slow"/>, for more allocation than the
/// budget, and for none of them to end at all; the failure names the seed and the input. Runs for <c>KESTREL_RPC_FUZZ_SECONDS</c>, and then until
/// there were a million inputs if that is set; otherwise for two seconds. <c>KESTREL_RPC_FUZZ_SEED</c> changes the seed.
/// </summary>
internal static class FuzzRun
{
    private const string SecondsVariable = "KESTREL_RPC_FUZZ_SECONDS";
    private const string SeedVariable = "KESTREL_RPC_FUZZ_SEED";
    private const int DefaultSeed = 20_261;
    private const double DefaultSeconds = 2;
    private const long LeastInputs = 1_000_000;

    // Far above what any input takes, even while the machine does other things.
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Stuck = TimeSpan.FromSeconds(60);

    /// <summary>Fuzzes as the environment says.</summary>
    public static Task<long> ForTheTimeAllowedAsync(FuzzTarget target)
    {
        string? seconds = Environment.GetEnvironmentVariable(SecondsVariable);
        return string.IsNullOrEmpty(seconds)
            ? RunAsync(target, TimeSpan.FromSeconds(DefaultSeconds), leastInputs: 0, mostInputs: long.MaxValue)
            : RunAsync(target, TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)), LeastInputs, long.MaxValue);
    }

    /// <summary>Fuzzes with so many inputs at most; for parsers that are broken on purpose.</summary>
    public static Task<long> ForInputsAsync(FuzzTarget target, long inputs) => RunAsync(target, TimeSpan.MaxValue, 0, inputs);

    private static async Task<long> RunAsync(FuzzTarget target, TimeSpan time, long leastInputs, long mostInputs)
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable(SeedVariable), CultureInfo.InvariantCulture, out int given) ? given : DefaultSeed;
        Progress progress = new();
        TaskCompletionSource<long> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Thread thread = new(() =>
        {
            try
            {
                ended.SetResult(Run(target, seed, time, leastInputs, mostInputs, progress));
            }
            catch (Exception exception)
            {
                // The only way for a failure out of this thread.
                ended.SetException(exception);
            }
        })
        { IsBackground = true, Name = "fuzz" };
        thread.Start();

        // A parser that never ends cannot be stopped; its input is named and the thread is left behind.
        while (!ended.Task.IsCompleted)
        {
            long before = progress.Inputs;
            await Task.WhenAny(ended.Task, Task.Delay(Stuck));
            if (!ended.Task.IsCompleted && progress.Inputs == before)
            {
                Assert.Fail($"Seed {seed}: no end with input {progress.Inputs}: {Convert.ToHexString(progress.Input)}");
            }
        }

        return await ended.Task;
    }

    private static long Run(FuzzTarget target, int seed, TimeSpan time, long leastInputs, long mostInputs, Progress progress)
    {
        FuzzInput input = new(target.Corpus, seed);
        foreach (byte[] valid in target.Corpus)
        {
            // What is done once, such as loading a type or filling a pool, is no input's fault.
            target.Parse(new ReadOnlySequence<byte>(valid));
        }

        Stopwatch watch = Stopwatch.StartNew();
        while (progress.Inputs < mostInputs && (watch.Elapsed < time || progress.Inputs < leastInputs))
        {
            input.Next();
            byte[] bytes = input.Current.ToArray();
            progress.Input = bytes;
            progress.Inputs++;
            int[] cuts = input.Cuts();
            One(target, cuts.Length == 0 ? new ReadOnlySequence<byte>(bytes) : Segments.Cut(bytes, cuts), bytes, seed, progress.Inputs);
        }

        return progress.Inputs;
    }

    private static void One(FuzzTarget target, in ReadOnlySequence<byte> sequence, byte[] bytes, int seed, long number)
    {
        long budget = target.Budget(bytes.Length);
        long start = Stopwatch.GetTimestamp();
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            target.Parse(sequence);
        }
        catch (Exception exception)
        {
            throw new FuzzException($"Seed {seed}, input {number}: {exception.Message}\n{Convert.ToHexString(bytes)}", exception);
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > budget)
        {
            throw new FuzzException($"Seed {seed}, input {number}: {allocated} bytes were allocated, {budget} are allowed.\n{Convert.ToHexString(bytes)}");
        }

        if (Stopwatch.GetElapsedTime(start) > Slow)
        {
            throw new FuzzException($"Seed {seed}, input {number} took longer than {Slow}.\n{Convert.ToHexString(bytes)}");
        }
    }

    private sealed class Progress
    {
        public volatile byte[] Input = [];
        private long _inputs;

        public long Inputs
        {
            get => Volatile.Read(ref _inputs);
            set => Volatile.Write(ref _inputs, value);
        }
    }
}
