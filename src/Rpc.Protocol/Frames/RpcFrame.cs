using System.Buffers;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// One frame, still in the memory it was read from: it is valid until that memory is given back, for a pipe until
/// <c>AdvanceTo</c>.
/// </summary>
public readonly struct RpcFrame
{
    /// <summary>Makes a frame from its parts. The lengths in the header must be those of the parts; this is not checked.</summary>
    /// <param name="header">The header.</param>
    /// <param name="protocolData">The protocol data.</param>
    /// <param name="body">The body.</param>
    public RpcFrame(RpcFrameHeader header, in ReadOnlySequence<byte> protocolData, in ReadOnlySequence<byte> body)
    {
        Header = header;
        ProtocolData = protocolData;
        Body = body;
    }

    /// <summary>The header.</summary>
    public RpcFrameHeader Header { get; }

    /// <summary>
    /// Version 1: what is called, and in an error reply what failed, the JSON that <see cref="RpcProtocolData"/> reads. Version 2:
    /// the frame header, which <see cref="RpcReceivedHeader"/> and <see cref="RpcControlFrame"/> read.
    /// </summary>
    public ReadOnlySequence<byte> ProtocolData { get; }

    /// <summary>The message; in version 2 perhaps a piece of it.</summary>
    public ReadOnlySequence<byte> Body { get; }
}
