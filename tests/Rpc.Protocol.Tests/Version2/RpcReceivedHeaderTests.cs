using System.Text;

namespace Kestrel.Rpc.Protocol.Tests;

public class RpcReceivedHeaderTests
{
    [Fact]
    public void Read_RequestWithInternedMethod_HasFlagsAndIndex()
    {
        foreach ((byte[] bytes, int index) in (ReadOnlySpan<(byte[], int)>)[([0x01, 0x02], 1), ([0x01, 0x7e], 63), ([0x01, 0x80, 0x01], 64)])
        {
            RpcReceivedHeader header = Frames.Good(RpcFrameType.Request, bytes, 5);
            Assert.Equal(RpcCallBits.End, header.Flags);
            Assert.Equal(index, header.Method.Index);
            Assert.False(header.Method.IsNamed);
            Assert.Null(header.Timeout);
            Assert.False(header.HasMetadata);
        }
    }

    [Fact]
    public void Read_NoBytes_SaysNothing()
    {
        foreach (RpcFrameType type in (RpcFrameType[])[RpcFrameType.Response, RpcFrameType.Data, RpcFrameType.Headers])
        {
            RpcReceivedHeader header = Frames.Good(type, [], type == RpcFrameType.Headers ? 0 : 5);
            Assert.Equal(RpcCallBits.None, header.Flags);
            Assert.Equal(RpcStatusCode.Ok, header.StatusCode);
            Assert.Same(RpcStatus.Ok, header.ToStatus());
        }
    }

    [Fact]
    public void Read_RequestWithEverything_HasEverything()
    {
        byte[] bytes =
        [
            0x01 | 0x04, // END, COMPRESSED
            0x03, // index 1, defined here
            0x03, (byte)'a', (byte)'/', (byte)'b',
            0x02, 0x96, 0x01, // timeout = 150
            0x08, 0x02, // encoding: brotli
            0x0a, 0x0e, // accepted: gzip, brotli, snappy
            0x0c, 0x02, // attachment length = 2
            0x05, 0x05, 0x01, (byte)'k', (byte)'v', (byte)'a', (byte)'l', // metadata k = val
            0xfe, 0x01, 0x05, // field 127 of a later time, a number
            0xff, 0x01, 0x01, 0x00, // field 127, bytes
        ];
        RpcReceivedHeader header = Frames.Good(RpcFrameType.Request, bytes, 5);
        Assert.Equal(RpcCallBits.End | RpcCallBits.Compressed, header.Flags);
        Assert.Equal("a/b", Encoding.UTF8.GetString(header.Method.Name));
        Assert.Equal(1, header.Method.Index);
        Assert.Equal(TimeSpan.FromMilliseconds(150), header.Timeout);
        Assert.Equal(RpcEncoding.Brotli, header.Encoding);
        Assert.Equal(RpcEncodings.All, header.AcceptedEncodings);
        Assert.Equal(2, header.AttachmentLength);
        Assert.Equal(RpcMetadataError.None, header.ReadMetadata(RpcMetadataLimits.Default, out RpcMetadata metadata));
        Assert.Equal("val", metadata.GetValue("K"));
        Assert.True(metadata.IsReadOnly);
    }

    [Theory]
    [InlineData(RpcFrameType.Request, new byte[] { 0x80 | 1, 0x02 }, 0, RpcHeaderError.UnknownFlag)]
    [InlineData(RpcFrameType.Request, new byte[] { 0x20, 0x02 }, 0, RpcHeaderError.UnknownFlag)] // NOT_PROCESSED is the server's
    [InlineData(RpcFrameType.Response, new byte[] { 0x01 }, 0, RpcHeaderError.UnknownFlag)] // END is the client's
    [InlineData(RpcFrameType.Response, new byte[] { 0x02 }, 1, RpcHeaderError.UnknownFlag)] // RESPONSE is the last frame
    [InlineData(RpcFrameType.Headers, new byte[] { 0x08 }, 0, RpcHeaderError.UnknownFlag)]
    [InlineData(RpcFrameType.Data, new byte[] { 0x10 }, 0, RpcHeaderError.UnknownFlag)]
    [InlineData(RpcFrameType.Request, new byte[0], 0, RpcHeaderError.Malformed)]
    [InlineData(RpcFrameType.Request, new byte[] { 0x01 }, 0, RpcHeaderError.Malformed)] // no method
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x80 }, 0, RpcHeaderError.Malformed)] // half a number
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x00 }, 0, RpcHeaderError.UnknownMethodIndex)] // index 0 without a name
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x80, 0x80, 0x08 }, 0, RpcHeaderError.UnknownMethodIndex)] // 65,536
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x81, 0x80, 0x08, 0x01, 0x61 }, 0, RpcHeaderError.BadMethodIndex)]
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x01, 0x00 }, 0, RpcHeaderError.BadMethodName)] // no name
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x01, 0x81, 0x04 }, 0, RpcHeaderError.BadMethodName)] // 513 bytes
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x01, 0x02, 0x61 }, 0, RpcHeaderError.Malformed)] // a name beyond the end
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x02, 0x02 }, 0, RpcHeaderError.Malformed)] // a key without a value
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x02, 0x05, 0x02, 0x61 }, 0, RpcHeaderError.Malformed)] // bytes beyond the end
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x02, 0x05, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 }, 0, RpcHeaderError.Malformed)]
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x02, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 }, 0, RpcHeaderError.Malformed)] // 65 bits
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x02, 0x02, 0x01, 0x02, 0x01 }, 0, RpcHeaderError.DuplicateField)]
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x02, 0x03, 0x00 }, 0, RpcHeaderError.WrongFieldKind)] // the timeout as bytes
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x02, 0x04, 0x00 }, 0, RpcHeaderError.WrongFieldKind)] // metadata as a number
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x02, 0x10, 0x01 }, 0, RpcHeaderError.MisplacedField)] // a status
    [InlineData(RpcFrameType.Response, new byte[] { 0x00, 0x02, 0x01 }, 0, RpcHeaderError.MisplacedField)] // a timeout
    [InlineData(RpcFrameType.Response, new byte[] { 0x00, 0x0e, 0x01 }, 0, RpcHeaderError.MisplacedField)] // a message length
    [InlineData(RpcFrameType.Headers, new byte[] { 0x00, 0x0c, 0x01 }, 0, RpcHeaderError.MisplacedField)] // an attachment
    [InlineData(RpcFrameType.Data, new byte[] { 0x00, 0x05, 0x01, 0x00 }, 0, RpcHeaderError.MisplacedField)] // metadata
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x02, 0x08, 0x00 }, 0, RpcHeaderError.OutOfRange)] // encoding 0
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x02, 0x08, 0x80, 0x02 }, 0, RpcHeaderError.OutOfRange)] // encoding 256
    [InlineData(RpcFrameType.Request, new byte[] { 0x02, 0x02, 0x0e, 0x00 }, 1, RpcHeaderError.OutOfRange)] // message length 0
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x02, 0x0c, 0x06 }, 5, RpcHeaderError.AttachmentTooLong)]
    [InlineData(RpcFrameType.Request, new byte[] { 0x02, 0x02, 0x0e, 0x09, 0x0c, 0x0a }, 5, RpcHeaderError.AttachmentTooLong)]
    [InlineData(RpcFrameType.Request, new byte[] { 0x02, 0x02 }, 5, RpcHeaderError.BadMessageLength)] // MORE without a length
    [InlineData(RpcFrameType.Request, new byte[] { 0x02, 0x02, 0x0e, 0x05 }, 5, RpcHeaderError.BadMessageLength)] // all of it is here
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x02, 0x0e, 0x09 }, 5, RpcHeaderError.BadMessageLength)] // not cut
    [InlineData(RpcFrameType.Data, new byte[] { 0x00, 0x0e, 0x09 }, 5, RpcHeaderError.BadMessageLength)]
    [InlineData(RpcFrameType.Request, new byte[] { 0x03, 0x02, 0x0e, 0x09 }, 5, RpcHeaderError.Contradiction)] // MORE and END
    [InlineData(RpcFrameType.Request, new byte[] { 0x02, 0x02, 0x0e, 0x09 }, 0, RpcHeaderError.Contradiction)] // an empty piece
    [InlineData(RpcFrameType.Request, new byte[] { 0x08, 0x02 }, 1, RpcHeaderError.Contradiction)] // a body that is no message
    [InlineData(RpcFrameType.Request, new byte[] { 0x08 | 0x04, 0x02 }, 0, RpcHeaderError.Contradiction)] // nothing, compressed
    [InlineData(RpcFrameType.Request, new byte[] { 0x08 | 0x02, 0x02 }, 0, RpcHeaderError.Contradiction)]
    [InlineData(RpcFrameType.Request, new byte[] { 0x08, 0x02, 0x0c, 0x00 }, 0, RpcHeaderError.Contradiction)] // the attachment of nothing
    [InlineData(RpcFrameType.Request, new byte[] { 0x18, 0x02 }, 0, RpcHeaderError.Contradiction)] // a stream that nobody answers
    [InlineData(RpcFrameType.Data, new byte[] { 0x08 }, 0, RpcHeaderError.Contradiction)] // a frame that says nothing
    [InlineData(RpcFrameType.Data, new byte[] { 0x02 }, 0, RpcHeaderError.Contradiction)] // an empty piece
    [InlineData(RpcFrameType.Response, new byte[] { 0x20 | 0x08 }, 0, RpcHeaderError.Contradiction)] // not processed, and OK
    [InlineData(RpcFrameType.Response, new byte[] { 0x00, 0x10, 0x0d }, 1, RpcHeaderError.Contradiction)] // a failure with a message
    [InlineData(RpcFrameType.Response, new byte[] { 0x08, 0x13, 0x02, 0x61 }, 0, RpcHeaderError.Malformed)]
    public void Read_BadHeader_IsRefused(RpcFrameType type, byte[] header, int bodyLength, RpcHeaderError expected) =>
        Assert.Equal(expected, Frames.ReadHeader(type, header, bodyLength));

    [Theory]
    [InlineData(RpcFrameType.Request, new byte[] { 0x08, 0x02 }, 0)] // a client stream begins
    [InlineData(RpcFrameType.Request, new byte[] { 0x08 | 0x01, 0x02 }, 0)] // and is over at once
    [InlineData(RpcFrameType.Request, new byte[] { 0x01, 0x02 }, 0)] // an empty message
    [InlineData(RpcFrameType.Request, new byte[] { 0x11, 0x02 }, 1)] // one way
    [InlineData(RpcFrameType.Request, new byte[] { 0x02, 0x02, 0x0e, 0x06, 0x0c, 0x06 }, 5)] // the attachment is all there is
    [InlineData(RpcFrameType.Data, new byte[] { 0x09 }, 0)] // the client's end
    [InlineData(RpcFrameType.Data, new byte[] { 0x02 }, 5)] // a further piece
    [InlineData(RpcFrameType.Response, new byte[] { 0x08 }, 0)] // a stream is over
    [InlineData(RpcFrameType.Response, new byte[] { 0x28, 0x10, 0x0e }, 0)] // not processed: unavailable
    [InlineData(RpcFrameType.Response, new byte[] { 0x00, 0x10, 0x00 }, 5)] // OK, said aloud
    [InlineData(RpcFrameType.Headers, new byte[] { 0x00, 0x08, 0x01 }, 0)]
    public void Read_GoodHeader_IsAccepted(RpcFrameType type, byte[] header, int bodyLength) => Frames.Good(type, header, bodyLength);

    [Fact]
    public void Read_Status_IsCopiedOut()
    {
        RpcReceivedHeader header = Frames.Good(
            RpcFrameType.Response, [0x08, 0x10, 0x05, 0x13, 0x02, (byte)'n', (byte)'o', 0x15, 0x01, 0x07]);
        Assert.Equal(new RpcStatus(RpcStatusCode.NotFound, "no", new byte[] { 7 }), header.ToStatus());
        Assert.Equal(RpcStatusCode.Unknown, Frames.Good(RpcFrameType.Response, [0x08, 0x10, 0x11]).StatusCode);
        Assert.Equal("\uFFFD", Frames.Good(RpcFrameType.Response, [0x08, 0x10, 0x05, 0x13, 0x01, 0xff]).ToStatus().Message);
    }

    [Fact]
    public void Timeout_AnyNumber_FitsATimeSpan()
    {
        Assert.Equal(TimeSpan.Zero, Frames.Good(RpcFrameType.Request, [0x01, 0x02, 0x02, 0x00]).Timeout);
        byte[] most = [0x01, 0x02, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        Assert.Equal(TimeSpan.MaxValue, Frames.Good(RpcFrameType.Request, most).Timeout);
    }

    [Fact]
    public void Read_FrameOfTheConnection_Throws() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Frames.ReadHeader(RpcFrameType.Ping, [0x00]));

    [Fact]
    public void HeaderBytes_ManySegments_AreGathered()
    {
        byte[] bytes = [1, 2, 3, 4, 5];
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            RpcHeaderBytes gathered = new(Segments.Cut(bytes, cut));
            Assert.Equal(bytes, gathered.Span.ToArray());
            gathered.Dispose();
            gathered.Dispose();
            Assert.True(gathered.Span.IsEmpty);
        }
    }
}
