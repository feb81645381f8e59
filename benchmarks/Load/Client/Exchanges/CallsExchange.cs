using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;

/// <summary>
/// A number of calls in flight on one connection. Replies may come in any order; each must carry the id of a call in flight.
/// </summary>
internal abstract class CallsExchange(int inFlight) : Exchange
{
    /// <summary>The calls in flight. A call's place is its id modulo the number of places.</summary>
    private readonly Call[] _calls = new Call[inFlight];

    public override int MaximumOutput => _calls.Length * MaximumRequest;

    /// <summary>The most bytes of a request.</summary>
    protected abstract int MaximumRequest { get; }

    public override int Begin(Span<byte> output, long now)
    {
        int written = 0;
        for (int place = 0; place < _calls.Length; place++)
        {
            written += Start((uint)(_calls.Length + place), output[written..], now);
        }

        return written;
    }

    public override int Advance(ReadOnlySpan<byte> input, Span<byte> output, long now, Tally tally, out int written)
    {
        int taken = 0;
        written = 0;
        while (TryTakeReply(input[taken..], out int length, out uint id))
        {
            taken += length;
            ref Call call = ref _calls[id % (uint)_calls.Length];
            if (call.Id != id)
            {
                throw new LoadException($"a reply to {id}, which is not in flight");
            }

            tally.Record(call.Started, now);
            written += Start(Next(id), output[written..], now);
        }

        return taken;
    }

    /// <summary>Writes the request of a call; its id is not 0.</summary>
    protected abstract int WriteRequest(uint id, Span<byte> output);

    /// <summary>Takes the next reply, which must be whole and the expected one.</summary>
    /// <returns>False if more bytes are needed.</returns>
    protected abstract bool TryTakeReply(ReadOnlySpan<byte> input, out int length, out uint id);

    /// <summary>The id of the next call at the same place, also when the numbers start again.</summary>
    private uint Next(uint id)
    {
        uint places = (uint)_calls.Length;
        return id <= uint.MaxValue - places ? id + places : (id % places) + places;
    }

    private int Start(uint id, Span<byte> output, long now)
    {
        _calls[id % (uint)_calls.Length] = new Call(id, now);
        return WriteRequest(id, output);
    }

    /// <param name="Id">The call in flight at this place.</param>
    /// <param name="Started">When it was sent, in ticks of the stopwatch.</param>
    private readonly record struct Call(uint Id, long Started);
}
