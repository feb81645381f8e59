using System.Text;

namespace Kestrel.Rpc.Protocol.Tests;

public class RpcMetadataTests
{
    [Fact]
    public void Add_Entries_KeepOrderAndAreFoundInAnyCase()
    {
        RpcMetadata metadata = new() { { "Trace-Id", "1" }, { "token-bin", [1, 2] }, { "trace-id", "2" } };
        Assert.Equal(["trace-id", "token-bin", "trace-id"], metadata.Select(entry => entry.Key));
        Assert.Equal("2", metadata.GetValue("TRACE-ID"));
        Assert.Equal(["1", "2"], metadata.GetAll("Trace-id").Select(entry => entry.Value));
        Assert.Equal([1, 2], metadata.GetValueBytes("Token-Bin")!.Value.ToArray());
        Assert.Equal([(byte)'2'], metadata.GetValueBytes("trace-id")!.Value.ToArray());
        Assert.Equal("token-bin".Length + 2 + (2 * "trace-id1".Length), metadata.Length);
        Assert.Null(metadata.Get("none"));
        Assert.Null(metadata.GetValue("none"));
        Assert.Null(metadata.GetValueBytes("none"));
        Assert.True(metadata[1].IsBinary);
        Assert.Throws<InvalidOperationException>(() => metadata.GetValue("token-bin"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a:b")]
    [InlineData("\u00e4")]
    [InlineData("\u212a")] // the Kelvin sign, whose lower case is k in some cultures
    [InlineData("a\0")]
    public void Add_BadKey_Throws(string key)
    {
        RpcMetadata metadata = [];
        Assert.Throws<ArgumentException>(() => metadata.Add(key, "value"));
        Assert.Throws<ArgumentException>(() => metadata.Add(key + "-bin\n", [1]));
        Assert.Empty(metadata);
    }

    [Fact]
    public void Add_WrongKindOrTooLongOrNotText_Throws()
    {
        RpcMetadata metadata = [];
        Assert.Throws<ArgumentException>(() => metadata.Add("a-bin", "text"));
        Assert.Throws<ArgumentException>(() => metadata.Add("a", [1]));
        Assert.Throws<ArgumentException>(() => metadata.Add(default));
        Assert.Throws<ArgumentOutOfRangeException>(() => metadata.Add(new string('k', 257), ""));
        Assert.Throws<EncoderFallbackException>(() => metadata.Add("a", "\ud800"));
        Assert.Throws<InvalidOperationException>(() => RpcMetadata.Empty.Add("a", "b"));
        metadata.Add(new string('k', 256), "");
        Assert.Single(metadata);
    }

    [Fact]
    public void Entry_Equality_IsOfKeyAndValue()
    {
        Assert.True(new RpcMetadataEntry("A", "1") == new RpcMetadataEntry("a", "1"));
        Assert.True(new RpcMetadataEntry("a", "1") != new RpcMetadataEntry("a", "2"));
        Assert.Equal(new RpcMetadataEntry("a", "1").GetHashCode(), new RpcMetadataEntry("A", "1").GetHashCode());
        Assert.False(new RpcMetadataEntry("a", "1").Equals("a"));
        Assert.Equal("a", new RpcMetadataEntry("a", "secret").ToString());
    }

    [Theory]
    [InlineData(new byte[0], RpcMetadataError.Malformed)] // no key length
    [InlineData(new byte[] { 0x02, (byte)'a' }, RpcMetadataError.Malformed)] // a key beyond the end
    [InlineData(new byte[] { 0x00, (byte)'a' }, RpcMetadataError.BadKey)]
    [InlineData(new byte[] { 0x01, (byte)'A' }, RpcMetadataError.BadKey)] // upper case
    [InlineData(new byte[] { 0x01, (byte)' ' }, RpcMetadataError.BadKey)]
    [InlineData(new byte[] { 0x01, 0xe4 }, RpcMetadataError.BadKey)]
    [InlineData(new byte[] { 0x01, (byte)'a', 0xff }, RpcMetadataError.BadText)]
    [InlineData(new byte[] { 0x01, (byte)'a' }, RpcMetadataError.None)] // an empty value
    [InlineData(new byte[] { 0x05, (byte)'a', (byte)'-', (byte)'b', (byte)'i', (byte)'n', 0xff }, RpcMetadataError.None)]
    public void Read_Entry_IsAcceptedOrRefused(byte[] entry, RpcMetadataError expected)
    {
        RpcReceivedHeader header = Frames.Good(RpcFrameType.Headers, [0x00, 0x05, (byte)entry.Length, .. entry]);
        Assert.Equal(expected, header.ReadMetadata(RpcMetadataLimits.Default, out RpcMetadata metadata));
        Assert.Equal(expected == RpcMetadataError.None ? 1 : 0, metadata.Count);
    }

    [Fact]
    public void Read_OverALimit_IsRefusedBeforeAnythingIsMade()
    {
        RpcMetadata many = [];
        for (int i = 0; i < 128; i++)
        {
            many.Add("k", new string('v', 127));
        }

        Assert.Equal(RpcMetadataLimits.DefaultMaxLength, many.Length);
        Assert.Equal(RpcMetadataError.None, Read(many, RpcMetadataLimits.Default));
        Assert.Equal(RpcMetadataError.TooManyEntries, Read(many, new RpcMetadataLimits { MaxEntries = 127 }));
        Assert.Equal(RpcMetadataError.TooLong, Read(many, new RpcMetadataLimits { MaxLength = RpcMetadataLimits.DefaultMaxLength - 1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcMetadataLimits { MaxEntries = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcMetadataLimits { MaxLength = -1 });

        static RpcMetadataError Read(RpcMetadata metadata, RpcMetadataLimits limits)
        {
            byte[] bytes = Frames.WriteCall(RpcFrameType.Headers, 1, default, new() { Metadata = metadata });
            RpcReceivedHeader header = Frames.Good(RpcFrameType.Headers, bytes[RpcFrameHeader.Size..]);
            return header.ReadMetadata(limits, out _);
        }
    }

    [Fact]
    public void Read_NoMetadata_IsTheEmptyOne()
    {
        RpcReceivedHeader header = Frames.Good(RpcFrameType.Response, []);
        Assert.Equal(RpcMetadataError.None, header.ReadTrailers(RpcMetadataLimits.Default, out RpcMetadata trailers));
        Assert.Same(RpcMetadata.Empty, trailers);
    }
}
