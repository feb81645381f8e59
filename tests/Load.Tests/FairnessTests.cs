using System.Buffers;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Benchmarks.Load.Fairness;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Load.Tests;

public sealed class FairnessTests
{
    private readonly DisturbingExchange _exchange = new();

    [Fact]
    public void Exchange_DoesNothing_HasOnePingOutstanding()
    {
        var driver = new ExchangeDriver(_exchange);

        Assert.Equal([RpcFrameType.Ping], Types(driver.Begin()));
        Assert.Equal([RpcFrameType.Ping], Types(driver.Receive(Frame(output => RpcControlFrame.WritePong(output, 1)))));
    }

    [Fact]
    public void Exchange_LongMessage_IsSentPieceByPieceWithinTheCreditToItsEnd()
    {
        var driver = new ExchangeDriver(_exchange);
        driver.Begin();
        _exchange.Doing = Disturbance.LongMessage;
        byte[] pong = Frame(output => RpcControlFrame.WritePong(output, 1));
        List<RpcFrameHeader> sent = [];
        int withoutCredit = 0;
        while (sent.Sum(header => header.BodyLength) < DisturbingExchange.MessageLength && withoutCredit < 2)
        {
            RpcFrameHeader[] headers = [.. Headers(driver.Receive(pong)).Where(header => header.Type != RpcFrameType.Ping)];
            sent.AddRange(headers);
            withoutCredit = headers.Length > 0 ? 0 : withoutCredit + 1;
            if (headers.Length == 0)
            {
                // 256 KiB, less than four pieces and their cost.
                Assert.InRange(sent.Count, 4, 4 + (withoutCredit * 1000));
                driver.Receive(Frame(output => RpcControlFrame.WriteCredit(output, sent[0].SequenceId, 1024 * 1024)));
                driver.Receive(Frame(output => RpcControlFrame.WriteCredit(output, 0, 1024 * 1024)));
            }
        }

        Assert.Equal(DisturbingExchange.MessageLength, sent.Sum(header => header.BodyLength));
        Assert.Equal(RpcFrameType.Request, sent[0].Type);
        Assert.All(sent.Skip(1), header => Assert.Equal((RpcFrameType.Data, sent[0].SequenceId), (header.Type, header.SequenceId)));
        _exchange.Doing = Disturbance.None;
        driver.Receive(Frame(output => WriteResponse(output, sent[0].SequenceId)));
        Assert.Equal(1, _exchange.Messages);
        Assert.Equal(0, driver.Tally.Replies);
    }

    [Fact]
    public void Exchange_StuckHandler_CallsOnceAndCancelsAtTheEnd()
    {
        var driver = new ExchangeDriver(_exchange);
        driver.Begin();
        byte[] pong = Frame(output => RpcControlFrame.WritePong(output, 1));

        _exchange.Doing = Disturbance.StuckHandler;
        Assert.Equal([RpcFrameType.Request, RpcFrameType.Ping], Types(driver.Receive(pong)));
        Assert.Equal([RpcFrameType.Ping], Types(driver.Receive(pong)));
        _exchange.Doing = Disturbance.None;
        Assert.Equal([RpcFrameType.Cancel, RpcFrameType.Ping], Types(driver.Receive(pong)));
    }

    [Fact]
    public void Report_Ratios_AreThoseOfTheSameRound()
    {
        FairnessReport report = new();
        double[] alone = [100, 200, 300];
        double[] beside = [110, 240, 390];
        for (int round = 0; round < alone.Length; round++)
        {
            report.Add(Disturbance.None, 50, alone[round], 1000);
            report.Add(Disturbance.SlowReader, 50, beside[round], 1000);
        }

        string[] lines = [.. report.Lines()];

        Assert.EndsWith("1.20 (1.10..1.30)", lines[2], StringComparison.Ordinal);
        Assert.Contains("smallest: 3.00; so at most 3.00", lines[3], StringComparison.Ordinal);
    }

    [Fact]
    public void UnreadMessage_AnyBytes_AreNotLookedAt()
    {
        byte[] noMessage = [.. Enumerable.Repeat((byte)0xFF, 100)];

        Assert.NotNull(RpcMessageCodec.Deserialize<UnreadMessage>(new ReadOnlySequence<byte>(noMessage)));
    }

    private static void WriteResponse(IBufferWriter<byte> output, uint id)
    {
        byte[] body = new HelloReply { Msg = "taken" }.ToByteArray();
        RpcCallFrameWriter.Write(output, RpcFrameType.Response, id, default, default, new ReadOnlySequence<byte>(body), RpcFrameRules.DefaultVersion2Limits);
    }

    private static byte[] Frame(Action<IBufferWriter<byte>> write)
    {
        ArrayBufferWriter<byte> output = new();
        write(output);
        return output.WrittenSpan.ToArray();
    }

    private static IEnumerable<RpcFrameType> Types(byte[] bytes) => Headers(bytes).Select(header => header.Type);

    private static List<RpcFrameHeader> Headers(byte[] bytes)
    {
        List<RpcFrameHeader> headers = [];
        for (int at = 0; at < bytes.Length;)
        {
            Assert.True(RpcFrameHeader.TryParse(bytes.AsSpan(at), out RpcFrameHeader header));
            headers.Add(header);
            at += (int)header.FrameLength;
        }

        Assert.True(headers.Sum(header => header.FrameLength) == bytes.Length);
        return headers;
    }
}
