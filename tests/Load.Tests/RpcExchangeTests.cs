using System.Buffers.Binary;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Load.Tests;

public sealed class RpcExchangeTests
{
    private const int RequestLength = 74;
    private const int ReplyLength = 80;

    [Fact]
    public void Begin_Requests_AreTheGoldenVectorWithIdsOfTheirOwn()
    {
        byte[] requests = new ExchangeDriver(new RpcExchange(inFlight: 3)).Begin();

        Assert.Equal(3 * RequestLength, requests.Length);
        Assert.Equal([3u, 4u, 5u], Ids(requests));
        requests[7] = 1;
        Assert.Equal(
            "123401010000000100000033000000077B22736572766963655F6E616D65223A2268656C6C6F776F726C64222C226D6574686F645F6E616D65223A2248656C6C6F227D0A05776F726C64",
            Convert.ToHexString(requests.AsSpan(0, RequestLength)));
    }

    [Fact]
    public void Advance_RepliesInAnyOrderSplitAnywhere_AreEachFollowedByOneRequest()
    {
        byte[] replies = [.. Reply(5), .. Reply(3), .. Reply(4)];
        for (int split = 0; split < replies.Length; split++)
        {
            var driver = new ExchangeDriver(new RpcExchange(inFlight: 3));
            driver.Begin();
            byte[] requests = [.. driver.Receive(replies.AsSpan(0, split)), .. driver.Receive(replies.AsSpan(split))];

            Assert.Equal([8u, 6u, 7u], Ids(requests));
            Assert.Equal(3, driver.Tally.Replies);
        }
    }

    [Fact]
    public void Advance_TheSameReplyTwice_Throws()
    {
        var driver = new ExchangeDriver(new RpcExchange(inFlight: 3));
        driver.Begin();
        driver.Receive(Reply(4));

        Assert.Throws<LoadException>(() => driver.Receive(Reply(4)));
    }

    [Fact]
    public void Advance_AnotherMessage_Throws()
    {
        var driver = new ExchangeDriver(new RpcExchange(inFlight: 1));
        driver.Begin();
        byte[] reply = Reply(1);
        reply[^1]++;

        Assert.Throws<LoadException>(() => driver.Receive(reply));
    }

    [Fact]
    public void Advance_NoFrame_Throws()
    {
        var driver = new ExchangeDriver(new RpcExchange(inFlight: 1));
        driver.Begin();

        Assert.Throws<LoadException>(() => driver.Receive("HTTP/1.1 400 Bad Request"u8));
    }

    private static byte[] Reply(uint sequenceId)
    {
        byte[] frame = new byte[ReplyLength];
        int length = RpcFrameWriter.Write(
            frame,
            RpcFrameType.Response,
            sequenceId,
            new RpcMethodName("helloworld", "Hello").ProtocolData.Span,
            new HelloReply { Msg = "Hello world" }.ToByteArray());
        Assert.Equal(ReplyLength, length);
        return frame;
    }

    private static IEnumerable<uint> Ids(byte[] requests) =>
        requests.Chunk(RequestLength).Select(request => BinaryPrimitives.ReadUInt32BigEndian(request.AsSpan(4)));
}
