using System.Text;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;

/// <summary>
/// Hello("world") with a number of calls in flight on one connection. Replies may come in any order; each must be the whole expected
/// frame with the sequence id of a call in flight.
/// </summary>
internal sealed class RpcExchange : Exchange
{
    private static readonly byte[] ProtocolData = new RpcMethodName("helloworld", "Hello").ProtocolData.ToArray();
    private static readonly byte[] RequestBody = new HelloRequest { Msg = "world" }.ToByteArray();
    private static readonly byte[] ReplyBody = new HelloReply { Msg = "Hello world" }.ToByteArray();
    private static readonly int RequestLength = RpcFrameHeader.Size + ProtocolData.Length + RequestBody.Length;
    private static readonly int ReplyLength = RpcFrameHeader.Size + ProtocolData.Length + ReplyBody.Length;

    /// <summary>The calls in flight. A call's place is its sequence id modulo the number of places.</summary>
    private readonly Call[] _calls;

    public RpcExchange(int inFlight) => _calls = new Call[inFlight];

    public override int MaximumOutput => _calls.Length * RequestLength;

    public override int Begin(Span<byte> output, long now)
    {
        int written = 0;
        for (int place = 0; place < _calls.Length; place++)
        {
            written += Request((uint)place, output[written..], now);
        }

        return written;
    }

    public override int Advance(ReadOnlySpan<byte> input, Span<byte> output, long now, Tally tally, out int written)
    {
        int taken = 0;
        written = 0;
        while (TryTakeReply(input[taken..], out uint sequenceId))
        {
            taken += ReplyLength;
            ref Call call = ref _calls[sequenceId % (uint)_calls.Length];
            if (call.SequenceId != sequenceId)
            {
                throw new LoadException($"a reply to {sequenceId}, which is not in flight");
            }

            tally.Record(call.Started, now);
            written += Request(Next(sequenceId), output[written..], now);
        }

        return taken;
    }

    /// <summary>The id of the next call at the same place, also when the numbers start again.</summary>
    private uint Next(uint sequenceId)
    {
        uint places = (uint)_calls.Length;
        return sequenceId <= uint.MaxValue - places ? sequenceId + places : sequenceId % places;
    }

    private int Request(uint sequenceId, Span<byte> output, long now)
    {
        _calls[sequenceId % (uint)_calls.Length] = new Call(sequenceId, now);
        return RpcFrameWriter.Write(output, RpcFrameType.Request, sequenceId, ProtocolData, RequestBody);
    }

    private static bool TryTakeReply(ReadOnlySpan<byte> input, out uint sequenceId)
    {
        sequenceId = 0;
        RpcFrameReadStatus status = RpcFrameReader.TryReadHeader(input, RpcFrameLimits.Default, out RpcFrameHeader header, out RpcFrameError error);
        if (status == RpcFrameReadStatus.NeedMore)
        {
            return false;
        }

        if (status == RpcFrameReadStatus.Error)
        {
            throw new LoadException($"not a frame: {error}");
        }

        if (input.Length < header.FrameLength)
        {
            return false;
        }

        ReadOnlySpan<byte> rest = input[RpcFrameHeader.Size..(int)header.FrameLength];
        if (header.Type != RpcFrameType.Response
            || header.FrameLength != ReplyLength
            || !rest.StartsWith(ProtocolData)
            || !rest.EndsWith(ReplyBody))
        {
            throw new LoadException($"not the expected reply: {header} {Encoding.UTF8.GetString(rest)}");
        }

        sequenceId = header.SequenceId;
        return true;
    }

    /// <param name="SequenceId">The call in flight at this place.</param>
    /// <param name="Started">When it was sent, in ticks of the stopwatch.</param>
    private readonly record struct Call(uint SequenceId, long Started);
}
