using Hello;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A reply frame as a peer received it.</summary>
internal sealed record RawReply(RpcFrameHeader Header, RpcProtocolData Data, byte[] Body)
{
    public uint SequenceId => Header.SequenceId;

    public string Msg => HelloReply.Parser.ParseFrom(Body).Msg;
}
