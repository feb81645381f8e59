using System.Buffers;
using System.Buffers.Binary;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Load.Tests;

public sealed class RpcVersion2ExchangeTests
{
    private const int RequestLength = 16 + 2 + 7;

    [Fact]
    public void Begin_Requests_TheFirstNamesTheMethodTheOthersReferToIt()
    {
        byte[] requests = new ExchangeDriver(new RpcVersion2Exchange(inFlight: 3)).Begin();

        byte[] first = requests[..^(2 * RequestLength)];
        Assert.Equal("1234020100000003" + "00000013" + "00000007" + "01" + "03" + "10", Convert.ToHexString(first.AsSpan(0, 19))); // END, defines 1, 16 bytes
        Assert.Equal("helloworld/Hello"u8, first.AsSpan(19, 16));
        Assert.Equal(
            ["12340201000000040000000200000007" + "01020A05776F726C64", "12340201000000050000000200000007" + "01020A05776F726C64"],
            requests[^(2 * RequestLength)..].Chunk(RequestLength).Select(Convert.ToHexString));
    }

    [Fact]
    public void Advance_SettingsAndRepliesSplitAnywhere_EachReplyIsFollowedByOneRequest()
    {
        ArrayBufferWriter<byte> settings = new();
        new RpcSettings { MaxConcurrentCalls = 100 }.Write(settings);
        byte[] replies = [.. settings.WrittenSpan, .. Reply(5), .. Reply(3), .. Reply(4)];
        for (int split = 0; split < replies.Length; split++)
        {
            var driver = new ExchangeDriver(new RpcVersion2Exchange(inFlight: 3));
            driver.Begin();
            byte[] requests = [.. driver.Receive(replies.AsSpan(0, split)), .. driver.Receive(replies.AsSpan(split))];

            Assert.Equal([8u, 6u, 7u], requests.Chunk(RequestLength).Select(request => BinaryPrimitives.ReadUInt32BigEndian(request.AsSpan(4))));
            Assert.Equal(3, driver.Tally.Replies);
        }
    }

    [Theory]
    [InlineData("another message")]
    [InlineData("another type")]
    [InlineData("not in flight")]
    public void Advance_NotTheExpectedReply_Throws(string fault)
    {
        var driver = new ExchangeDriver(new RpcVersion2Exchange(inFlight: 1));
        driver.Begin();
        byte[] reply = Reply(fault == "not in flight" ? 2u : 1u);
        reply[^1] += (byte)(fault == "another message" ? 1 : 0);
        reply[3] = (byte)(fault == "another type" ? RpcFrameType.Data : RpcFrameType.Response);

        Assert.Throws<LoadException>(() => driver.Receive(reply));
    }

    private static byte[] Reply(uint id)
    {
        byte[] body = new HelloReply { Msg = "Hello world" }.ToByteArray();
        byte[] frame = new byte[RpcFrameHeader.Size + body.Length];
        body.CopyTo(frame, RpcCallFrameWriter.WriteResponseStart(frame, id, body.Length));
        return frame;
    }
}
