using System.Text;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;

/// <summary>
/// Hello("world") in version 2 of the protocol: the first request names the method, the others refer to it. Each reply must be the whole
/// expected frame; the server's settings come before the first.
/// </summary>
internal sealed class RpcVersion2Exchange : CallsExchange
{
    private const int MethodIndex = 1;

    private static readonly byte[] MethodName = Encoding.UTF8.GetBytes("helloworld/Hello");
    private static readonly byte[] RequestBody = new HelloRequest { Msg = "world" }.ToByteArray();
    private static readonly byte[] ReplyBody = new HelloReply { Msg = "Hello world" }.ToByteArray();

    private bool _isDefined;

    public RpcVersion2Exchange(int inFlight)
        : base(inFlight)
    {
    }

    protected override int MaximumRequest => RpcCallFrameWriter.MaxShortStart + 8 + MethodName.Length + RequestBody.Length;

    public override int Begin(Span<byte> output, long now)
    {
        _isDefined = false;
        return base.Begin(output, now);
    }

    protected override int WriteRequest(uint id, Span<byte> output)
    {
        int length = _isDefined
            ? RpcCallFrameWriter.WriteRequestStart(output, id, MethodIndex, RequestBody.Length)
            : RpcCallFrameWriter.WriteStart(
                output,
                RpcFrameType.Request,
                id,
                new RpcMethodReference(MethodIndex, MethodName),
                new RpcCallHeader { Flags = RpcCallBits.End },
                RequestBody.Length,
                RpcFrameRules.DefaultVersion2Limits);
        _isDefined = true;
        RequestBody.CopyTo(output[length..]);
        return length + RequestBody.Length;
    }

    protected override bool TryTakeReply(ReadOnlySpan<byte> input, out int length, out uint id)
    {
        length = 0;
        id = 0;
        while (true)
        {
            RpcFrameReadStatus status = RpcFrameReader.TryReadHeader(input[length..], RpcFrameRules.Default, out RpcFrameHeader header, out RpcFrameError error);
            if (status == RpcFrameReadStatus.Error)
            {
                throw new LoadException($"not a frame: {error}");
            }

            if (status == RpcFrameReadStatus.NeedMore || input.Length - length < header.FrameLength)
            {
                return false;
            }

            ReadOnlySpan<byte> frame = input.Slice(length, (int)header.FrameLength);
            length += frame.Length;
            if (header.Type == RpcFrameType.Settings)
            {
                continue;
            }

            if (header.Type != RpcFrameType.Response || !frame[RpcFrameHeader.Size..].SequenceEqual(ReplyBody))
            {
                throw new LoadException($"not the expected reply: {header} {Encoding.UTF8.GetString(frame[RpcFrameHeader.Size..])}");
            }

            id = header.SequenceId;
            return true;
        }
    }
}
