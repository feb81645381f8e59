using System.Buffers;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests.Version2;

/// <summary>A frame that the client has sent, taken apart.</summary>
internal sealed record ClientFrame(RpcFrameType Type, uint CallId, byte[] Header, byte[] Body)
{
    public RpcCallBits Flags { get; private init; }

    public int MethodIndex { get; private init; }

    public string MethodName { get; private init; } = "";

    public TimeSpan? Timeout { get; private init; }

    public long MessageLength { get; private init; }

    public long AttachmentLength { get; private init; }

    public RpcEncoding Encoding { get; private init; }

    public RpcEncodings AcceptedEncodings { get; private init; }

    public RpcMetadata Metadata { get; private init; } = RpcMetadata.Empty;

    /// <summary>The body as the text message it is.</summary>
    public string Text => StringValue.Parser.ParseFrom(Body).Value;

    public int Credit
    {
        get
        {
            Assert.Equal(RpcFrameType.Credit, Type);
            Assert.Equal(RpcHeaderError.None, RpcControlFrame.ReadCredit(Header, out int bytes));
            return bytes;
        }
    }

    public RpcStatusCode CancelCode
    {
        get
        {
            Assert.Equal(RpcFrameType.Cancel, Type);
            Assert.Equal(RpcHeaderError.None, RpcControlFrame.ReadCancel(Header, out RpcStatusCode code));
            return code;
        }
    }

    public RpcGoAwayCode GoAwayCode
    {
        get
        {
            Assert.Equal(RpcFrameType.GoAway, Type);
            Assert.Equal(RpcHeaderError.None, RpcControlFrame.ReadGoAway(Header, out RpcGoAwayCode code, out _));
            return code;
        }
    }

    public static ClientFrame Of(in RpcFrame frame)
    {
        byte[] bytes = frame.ProtocolData.ToArray();
        ClientFrame read = new(frame.Header.Type, frame.Header.SequenceId, bytes, frame.Body.ToArray());
        if (read.Type is not (RpcFrameType.Request or RpcFrameType.Data))
        {
            return read;
        }

        Assert.Equal(RpcHeaderError.None, RpcReceivedHeader.Read(frame.Header, bytes, out RpcReceivedHeader header));
        Assert.Equal(RpcMetadataError.None, header.ReadMetadata(RpcMetadataLimits.Default, out RpcMetadata metadata));
        return read with
        {
            Flags = header.Flags,
            MethodIndex = header.Method.Index,
            MethodName = System.Text.Encoding.UTF8.GetString(header.Method.Name),
            Timeout = header.Timeout,
            MessageLength = header.MessageLength,
            AttachmentLength = header.AttachmentLength,
            Encoding = header.Encoding,
            AcceptedEncodings = header.AcceptedEncodings,
            Metadata = metadata,
        };
    }
}
