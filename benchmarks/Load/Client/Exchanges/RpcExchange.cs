using System.Text;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;

/// <summary>
/// Hello("world") in version 1 of the protocol. Each reply must be the whole expected frame.
/// </summary>
internal sealed class RpcExchange : CallsExchange
{
    private static readonly byte[] ProtocolData = new RpcMethodName("helloworld", "Hello").ProtocolData.ToArray();
    private static readonly byte[] RequestBody = new HelloRequest { Msg = "world" }.ToByteArray();
    private static readonly byte[] ReplyBody = new HelloReply { Msg = "Hello world" }.ToByteArray();
    private static readonly int ReplyLength = RpcFrameHeader.Size + ProtocolData.Length + ReplyBody.Length;

    public RpcExchange(int inFlight)
        : base(inFlight)
    {
    }

    protected override int MaximumRequest => RpcFrameHeader.Size + ProtocolData.Length + RequestBody.Length;

    protected override int WriteRequest(uint id, Span<byte> output) => RpcFrameWriter.Write(output, RpcFrameType.Request, id, ProtocolData, RequestBody);

    protected override bool TryTakeReply(ReadOnlySpan<byte> input, out int length, out uint id)
    {
        length = 0;
        id = 0;
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

        length = ReplyLength;
        id = header.SequenceId;
        return true;
    }
}
