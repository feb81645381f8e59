using System.Buffers;
using System.Text;
using Kestrel.Rpc.Benchmarks.Load.Client;
using Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Benchmarks.Load.Fairness;

/// <summary>
/// The connection of version 2 that disturbs: sends long messages, or makes the call that is stuck. Otherwise, also in the
/// baseline, it has one PING outstanding. Counts no replies. Each PONG lets one piece of a message go, so that this thread, which the measured
/// connections share, is never busy with more than 64 KiB.
/// </summary>
internal sealed class DisturbingExchange : Exchange
{
    public const int MessageLength = 16 * 1024 * 1024;

    // A piece, and what stands in front of it or follows it.
    private const int OutputLength = Piece + 1024;
    private const int Piece = RpcFrameRules.DefaultMaxFrameBodyLength;

    private readonly ArrayBufferWriter<byte> _control = new();
    private RpcSendCredit _connectionCredit = new(RpcSettings.DefaultConnectionCredit);
    private RpcSendCredit _callCredit;
    private uint _id;
    private uint _longId; // 0: none under way
    private uint _stuckId; // 0: none
    private int _left;

    /// <summary>What it does from now on; a message under way is sent to its end.</summary>
    public Disturbance Doing { get; set; }

    /// <summary>Long messages that were answered.</summary>
    public int Messages { get; private set; }

    public override int MaximumOutput => OutputLength;

    public override int Begin(Span<byte> output, long now) => Next(output);

    public override int Advance(ReadOnlySpan<byte> input, Span<byte> output, long now, Tally tally, out int written)
    {
        int taken = 0;
        written = 0;
        while (RpcFrameReader.TryReadHeader(input[taken..], RpcFrameRules.Default, out RpcFrameHeader header, out RpcFrameError error) != RpcFrameReadStatus.NeedMore)
        {
            if (error.Kind != RpcFrameErrorKind.None)
            {
                throw new LoadException($"not a frame: {error}");
            }

            if (input.Length - taken < header.FrameLength)
            {
                break;
            }

            ReadOnlySpan<byte> frame = input.Slice(taken, (int)header.FrameLength);
            taken += frame.Length;
            written += Take(header, frame[RpcFrameHeader.Size..], output[written..]);
        }

        return taken;
    }

    private int Take(RpcFrameHeader header, ReadOnlySpan<byte> rest, Span<byte> output)
    {
        switch (header.Type)
        {
            case RpcFrameType.Settings:
                return 0;
            case RpcFrameType.Pong:
                return Next(output);
            case RpcFrameType.Credit:
                RpcControlFrame.ReadCredit(rest[..(int)header.ProtocolDataLength], out int bytes);
                if (header.SequenceId == 0)
                {
                    _connectionCredit.TryAdd(bytes);
                }
                else if (header.SequenceId == _longId)
                {
                    _callCredit.TryAdd(bytes);
                }

                return 0;
            case RpcFrameType.Response when header.SequenceId == _longId && header.BodyLength > 0:
                Messages++;
                _longId = 0;
                return 0;
            case RpcFrameType.Response when header.SequenceId != _longId:
                _stuckId = 0; // it was cancelled
                return 0;
            default:
                throw new LoadException($"the disturbing connection got {header}");
        }
    }

    private int Next(Span<byte> output)
    {
        int written = _longId != 0 ? WritePiece(output) : Doing == Disturbance.LongMessage ? StartMessage(output) : 0;
        if (Doing == Disturbance.StuckHandler && _stuckId == 0)
        {
            _stuckId = ++_id;
            written += WriteStart(output[written..], RpcFrameType.Request, _stuckId, FairnessServer.StuckMethod, new RpcCallHeader { Flags = RpcCallBits.End }, 0);
        }

        _control.ResetWrittenCount();
        if (Doing != Disturbance.StuckHandler && _stuckId != 0)
        {
            RpcControlFrame.WriteCancel(_control, _stuckId);
        }

        RpcControlFrame.WritePing(_control, 1);
        _control.WrittenSpan.CopyTo(output[written..]);
        return written + _control.WrittenCount;
    }

    private int StartMessage(Span<byte> output)
    {
        _longId = ++_id;
        _callCredit = new RpcSendCredit(RpcSettings.DefaultCallCredit);
        _left = MessageLength - Piece;
        int written = WriteStart(
            output, RpcFrameType.Request, _longId, FairnessServer.LongMethod, new RpcCallHeader { Flags = RpcCallBits.More, MessageLength = MessageLength }, Piece);
        output.Slice(written, Piece).Clear();
        return written + Piece;
    }

    // Nothing without credit for a whole one: the next PONG comes soon.
    private int WritePiece(Span<byte> output)
    {
        int length = Math.Min(_left, Piece);
        if (length == 0 || !RpcCredit.TryTake(ref _callCredit, ref _connectionCredit, length, length, out _))
        {
            return 0;
        }

        _left -= length;
        RpcCallHeader header = new() { Flags = _left == 0 ? RpcCallBits.End : RpcCallBits.More };
        int written = WriteStart(output, RpcFrameType.Data, _longId, null, header, length);
        output.Slice(written, length).Clear();
        return written + length;
    }

    private static int WriteStart(Span<byte> output, RpcFrameType type, uint id, string? method, RpcCallHeader header, int length) => RpcCallFrameWriter.WriteStart(
        output, type, id, method is null ? default : new RpcMethodReference(0, Encoding.UTF8.GetBytes(method)), header, length, RpcFrameRules.DefaultVersion2Limits);
}
