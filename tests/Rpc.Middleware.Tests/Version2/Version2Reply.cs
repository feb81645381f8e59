using Hello;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A frame of version 2 as a server sent it, taken apart.</summary>
internal sealed record Version2Reply(RpcFrameHeader Header, byte[] Body)
{
    public uint Id => Header.SequenceId;

    public RpcFrameType Type => Header.Type;

    public RpcCallBits Flags { get; private init; }

    public long MessageLength { get; private init; }

    public RpcStatus Status { get; private init; } = RpcStatus.Ok;

    public RpcMetadata Metadata { get; private init; } = RpcMetadata.Empty;

    public RpcMetadata Trailers { get; private init; } = RpcMetadata.Empty;

    /// <summary>Of a GOAWAY.</summary>
    public RpcGoAwayCode Code { get; private init; }

    /// <summary>Of a CREDIT.</summary>
    public int Credit { get; private init; }

    public string Text => HelloReply.Parser.ParseFrom(Body).Msg;

    public static Version2Reply Read(in RpcFrame frame)
    {
        using RpcHeaderBytes bytes = new(frame.ProtocolData);
        Version2Reply reply = new(frame.Header, System.Buffers.BuffersExtensions.ToArray(frame.Body));
        switch (frame.Header.Type)
        {
            case RpcFrameType.Response or RpcFrameType.Data or RpcFrameType.Headers:
                Assert.Equal(RpcHeaderError.None, RpcReceivedHeader.Read(frame.Header, bytes.Span, out RpcReceivedHeader header));
                Assert.Equal(RpcMetadataError.None, header.ReadMetadata(RpcMetadataLimits.Default, out RpcMetadata metadata));
                Assert.Equal(RpcMetadataError.None, header.ReadTrailers(RpcMetadataLimits.Default, out RpcMetadata trailers));
                return reply with
                {
                    Flags = header.Flags, Status = header.ToStatus(), Metadata = metadata, Trailers = trailers, MessageLength = header.MessageLength,
                };
            case RpcFrameType.GoAway:
                Assert.Equal(RpcHeaderError.None, RpcControlFrame.ReadGoAway(bytes.Span, out RpcGoAwayCode code, out ReadOnlySpan<byte> message));
                return reply with { Code = code, Status = new RpcStatus(RpcStatusCode.Unknown, System.Text.Encoding.UTF8.GetString(message)) };
            case RpcFrameType.Credit:
                Assert.Equal(RpcHeaderError.None, RpcControlFrame.ReadCredit(bytes.Span, out int credit));
                return reply with { Credit = credit };
            default:
                return reply;
        }
    }
}
