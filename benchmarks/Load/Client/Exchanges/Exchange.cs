using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;

/// <summary>
/// One connection's side of a workload: writes requests, checks replies, and writes the next request for every reply. It does no
/// I/O and allocates nothing once begun. Used by the client's one thread.
/// </summary>
internal abstract class Exchange
{
    /// <summary>The most bytes one call of <see cref="Begin"/> or <see cref="Advance"/> writes.</summary>
    public abstract int MaximumOutput { get; }

    /// <summary>Writes the requests that are to be outstanding from now on.</summary>
    /// <param name="output">At least <see cref="MaximumOutput"/> bytes.</param>
    /// <param name="now">The time, in ticks of the stopwatch.</param>
    /// <returns>Bytes written.</returns>
    public abstract int Begin(Span<byte> output, long now);

    /// <summary>Takes every whole reply off the input, and writes one request for each.</summary>
    /// <param name="input">What has been received and not been taken yet.</param>
    /// <param name="output">At least <see cref="MaximumOutput"/> bytes.</param>
    /// <param name="now">The time the input was received, in ticks of the stopwatch.</param>
    /// <param name="tally">Counts the replies.</param>
    /// <param name="written">Bytes written to the output.</param>
    /// <returns>Bytes taken off the input.</returns>
    /// <exception cref="LoadException">A reply is not what the request asks for.</exception>
    public abstract int Advance(ReadOnlySpan<byte> input, Span<byte> output, long now, Tally tally, out int written);
}
