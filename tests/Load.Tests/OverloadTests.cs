using System.Buffers;
using System.Diagnostics;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Overload;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Load.Tests;

public sealed class OverloadTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    [Fact]
    public void Connection_Replies_CountByWhatTheySayAndWhenTheyCome()
    {
        using OpenConnection connection = new();
        OpenTally tally = new(Patience);
        long due = Stopwatch.GetTimestamp();
        Assert.True(connection.TryCall(due) && connection.TryCall(due) && connection.TryCall(due));
        byte[] good = Response(1, RpcStatus.Ok);
        byte[] late = Response(2, RpcStatus.Ok);
        byte[] refused = Response(3, new RpcStatus(RpcStatusCode.ResourceExhausted, "Too many calls run."));

        Assert.Equal(good.Length, connection.Take([.. good, .. late[..5]], due + (Stopwatch.Frequency / 20), tally));
        Assert.Equal(late.Length + refused.Length, connection.Take([.. late, .. refused], due + (Stopwatch.Frequency / 5), tally));

        Assert.Equal((1, 2, 1, 0), (tally.Good, tally.Accepted.Count, tally.Refused, connection.UnderWay));
    }

    [Fact]
    public void Connection_OtherFailures_EndTheRun()
    {
        using OpenConnection connection = new();
        Assert.True(connection.TryCall(1));

        Assert.Throws<LoadException>(() => connection.Take(Response(1, new RpcStatus(RpcStatusCode.Internal, "broken")), 2, new OpenTally(Patience)));
        Assert.Throws<LoadException>(() => connection.Take(Response(7, RpcStatus.Ok), 2, new OpenTally(Patience)));
    }

    [Fact]
    public void Connection_ServerDoesNotRead_CallsAreNotSent()
    {
        using OpenConnection connection = new();
        int sent = 0;
        while (connection.TryCall(1))
        {
            Assert.True(++sent < 100_000);
        }

        Assert.Equal(sent, connection.UnderWay);
    }

    [Fact]
    public void Report_Promise_IsSetAgainstPeakAndUnloaded()
    {
        OverloadScene unloaded = new("unloaded", 200, 200, 0, 6, 10, 80);
        OverloadScene peak = new("peak", 2000, 2000, 0, 20, 50, 80);
        OverloadScene with = new("with", 4000, 1900, 2100, 10, 15, 85);
        OverloadScene without = new("without", 4000, 300, 0, 700, 1500, 95);

        string last = new OverloadReport(unloaded, peak, with, without).Lines().Last();

        Assert.Equal("of the peak's good calls: 95 % with the limit, 15 % without; p99 of accepted calls, of unloaded: 1.5 and 150.0", last);
    }

    private static byte[] Response(uint id, RpcStatus status)
    {
        ArrayBufferWriter<byte> output = new();
        bool isOk = status.Code == RpcStatusCode.Ok;
        byte[] body = isOk ? new HelloReply { Msg = "Hello world" }.ToByteArray() : [];
        RpcCallHeader header = isOk ? default : new() { Flags = RpcCallBits.NoMessage | RpcCallBits.NotProcessed, Status = status };
        RpcCallFrameWriter.Write(output, RpcFrameType.Response, id, default, header, new ReadOnlySequence<byte>(body), RpcFrameRules.DefaultVersion2Limits);
        return output.WrittenSpan.ToArray();
    }
}
