using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests.Version2;

/// <summary>PING, SETTINGS and GOAWAY, frames of calls that are not under way, and peers that break the protocol.</summary>
public class ConnectionFrameTests
{
    private const int Cost = 1 << 16;

    public static TheoryData<string, byte[][], RpcGoAwayCode> Violations => new()
    {
        { "magic", [[0x12, 0x35]], RpcGoAwayCode.ProtocolError },
        { "version", [ServerFrame.Raw(RpcFrameType.Response, 1, [], [], version: 3)], RpcGoAwayCode.ProtocolError },
        { "type", [ServerFrame.Raw((RpcFrameType)11, 1, [], [])], RpcGoAwayCode.ProtocolError },
        { "REQUEST", [ServerFrame.Raw(RpcFrameType.Request, 1, [1, 2], [])], RpcGoAwayCode.ProtocolError },
        { "CANCEL", [ServerFrame.Raw(RpcFrameType.Cancel, 1, [], [])], RpcGoAwayCode.ProtocolError },
        { "SETTINGS later", [ServerFrame.Ping(1), ServerFrame.Settings(RpcSettings.Default)], RpcGoAwayCode.ProtocolError },
        { "SETTINGS twice", [ServerFrame.Settings(RpcSettings.Default), ServerFrame.Settings(RpcSettings.Default)], RpcGoAwayCode.ProtocolError },
        { "SETTINGS below", [ServerFrame.Raw(RpcFrameType.Settings, 0, [2, 1], [])], RpcGoAwayCode.ProtocolError },
        { "RESPONSE 0", [ServerFrame.Raw(RpcFrameType.Response, 0, [], [])], RpcGoAwayCode.ProtocolError },
        { "PING of 7", [ServerFrame.Raw(RpcFrameType.Ping, 0, [], new byte[7])], RpcGoAwayCode.ProtocolError },
        { "flag", [ServerFrame.Raw(RpcFrameType.Response, 1, [0x40], [])], RpcGoAwayCode.ProtocolError },
        { "field", [ServerFrame.Raw(RpcFrameType.Response, 1, [0, 0x02, 0x01], [])], RpcGoAwayCode.ProtocolError },
        { "END", [ServerFrame.Raw(RpcFrameType.Data, 1, [1], [])], RpcGoAwayCode.ProtocolError },
        { "pieces", [ServerFrame.First(1, [1, 2], 3), ServerFrame.Raw(RpcFrameType.Response, 1, [], [1, 2])], RpcGoAwayCode.ProtocolError },
        { "OK in the middle", [ServerFrame.First(1, [1, 2], 3), ServerFrame.End(1)], RpcGoAwayCode.ProtocolError },
        { "HEADERS twice", [ServerFrame.Headers(1, []), ServerFrame.Headers(1, [])], RpcGoAwayCode.ProtocolError },
        { "HEADERS late", [ServerFrame.Data(1, "x"), ServerFrame.Headers(1, [])], RpcGoAwayCode.ProtocolError },
        { "CREDIT 0", [ServerFrame.Raw(RpcFrameType.Credit, 0, [0], [])], RpcGoAwayCode.ProtocolError },
        { "CREDIT too much", [ServerFrame.Credit(0, int.MaxValue)], RpcGoAwayCode.FlowControlError },
        { "CREDIT of a call too much", [ServerFrame.Credit(1, int.MaxValue)], RpcGoAwayCode.FlowControlError },
        { "header length", [ServerFrame.Raw(RpcFrameType.Response, 1, new byte[Cost + 1], [])[..16]], RpcGoAwayCode.LimitExceeded },
        { "body length", [ServerFrame.Raw(RpcFrameType.Data, 1, [], new byte[Cost + 1])[..16]], RpcGoAwayCode.LimitExceeded },
        { "lengths that overflow", [[0x12, 0x34, 2, 2, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 255]], RpcGoAwayCode.LimitExceeded },
        { "GOAWAY", [ServerFrame.Raw(RpcFrameType.GoAway, 0, [0x80], [])], RpcGoAwayCode.ProtocolError },
    };

    [Theory]
    [MemberData(nameof(Violations))]
    public async Task Peer_BreaksTheProtocol_IsToldAndEveryCallFails(string what, byte[][] frames, RpcGoAwayCode code)
    {
        await using ScriptedServer server = new();
        Task<StringValue> call = server.HelloAsync(what);
        Task<StringValue> other = server.HelloAsync("other");
        await server.ReceiveAsync();
        await server.ReceiveAsync();
        await server.SendAsync(frames);
        Assert.Equal(code, (await server.ReceiveAsync(RpcFrameType.GoAway)).GoAwayCode);
        Assert.Null(await server.TryReceiveAsync());
        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => other.Within());
        Assert.Equal(RpcErrorCode.Decoding, failed.Code);
        await Assert.ThrowsAsync<RpcException>(() => call.Within());
        await server.Client.Closed.Within();
    }

    [Fact]
    public async Task Reply_SecondMessage_FailsThatCallAndCancelsIt()
    {
        await using ScriptedServer server = new();
        Task<StringValue> call = server.HelloAsync("a");
        uint id = (await server.ReceiveAsync()).CallId;
        await server.SendAsync(ServerFrame.Data(id, "1"), ServerFrame.Data(id, "2"));
        Assert.Equal(RpcStatusCode.Internal, (await Assert.ThrowsAsync<RpcException>(() => call.Within())).StatusCode);
        Assert.Equal(id, (await server.ReceiveAsync(RpcFrameType.Cancel)).CallId);
    }

    [Fact]
    public async Task Peer_AnswersAnotherVersion_SaysWhichOptionHelps()
    {
        await using ScriptedServer server = new();
        Task<StringValue> call = server.HelloAsync("a");
        await server.ReceiveAsync();
        await server.SendAsync(Wire.Error(1, RpcErrorCode.Decoding, "Version 2 is not supported."));
        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.Within());
        Assert.Contains("ProtocolVersion to 1", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FramesOfCallsNotUnderWay_AreIgnoredAndTheirCreditIsGivenBack()
    {
        await using ScriptedServer server = new();
        byte[] body = new byte[Cost];
        for (int sent = 0; sent < 3 * RpcSettings.DefaultConnectionCredit;)
        {
            for (int i = 0; i < 32; i++, sent += Cost + RpcFrameHeader.Size)
            {
                await server.SendAsync(ServerFrame.Raw(RpcFrameType.Data, 77, [], body));
            }

            ClientFrame credit = await server.ReceiveAsync();
            Assert.Equal(0u, credit.CallId);
            Assert.Equal(RpcSettings.DefaultConnectionCredit / 2, credit.Credit, tolerance: Cost + 16);
        }

        await server.SendAsync(
            ServerFrame.Response(5, "x"), ServerFrame.Headers(9, new RpcMetadata { { "a", "b" } }), ServerFrame.Credit(6, 10), ServerFrame.Pong(7));
        Task<StringValue> call = server.HelloAsync("a");
        await server.SendAsync(ServerFrame.Response((await server.ReceiveAsync(RpcFrameType.Request)).CallId, "ok"));
        Assert.Equal("ok", (await call.Within()).Value);
    }

    [Fact]
    public async Task Ping_IsAnsweredWithItsBytes()
    {
        await using ScriptedServer server = new();
        await server.SendAsync(ServerFrame.Ping(0x0102030405060708));
        ClientFrame pong = await server.ReceiveAsync();
        Assert.Equal(RpcFrameType.Pong, pong.Type);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], pong.Body);
    }

    [Fact]
    public async Task Pings_PeerReadsNothing_OnlyTheLastWaits()
    {
        await using ScriptedServer server = new(requests: new(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        Task<StringValue> call = server.HelloAsync("fills the pipe");
        for (ulong i = 1; i <= 1000; i++)
        {
            await server.SendAsync(ServerFrame.Ping(i));
        }

        uint id = (await server.ReceiveAsync(RpcFrameType.Request)).CallId;
        await server.SendAsync(ServerFrame.Response(id, "ok"));
        await call.Within();
        int pongs = 0;
        ClientFrame pong;
        do
        {
            pong = await server.ReceiveAsync(RpcFrameType.Pong);
            pongs++;
        }
        while (pong.Body[7] != (1000 & 255) || pong.Body[6] != 1000 >> 8);
        Assert.InRange(pongs, 1, 3);
    }

    [Fact]
    public async Task Settings_OfTheServer_GiveMoreCreditToCallsUnderWay()
    {
        await using ScriptedServer server = new();
        _ = server.HelloAsync(new string('x', 1_000_000));
        await TimeLimits.Until(() => server.Client.ParkedCalls == 1);
        await server.SendAsync(ServerFrame.Settings(new RpcSettings { InitialCallCredit = 2_000_000 }));
        ClientFrame frame;
        do
        {
            frame = await server.ReceiveAsync();
        }
        while (frame.Flags != RpcCallBits.End);
    }

    [Fact]
    public async Task Settings_OfTheServer_LimitCallsAndMessages()
    {
        await using ScriptedServer server = new();
        await server.SendAsync(ServerFrame.Settings(new RpcSettings { MaxConcurrentCalls = 1, MaxMessageLength = 100 }), ServerFrame.Ping(1));
        await server.ReceiveAsync(RpcFrameType.Pong);
        RpcException tooLong = await Assert.ThrowsAsync<RpcException>(() => server.HelloAsync(new string('x', 100)).Within());
        Assert.Equal((RpcStatusCode.ResourceExhausted, true), (tooLong.StatusCode, tooLong.IsNotProcessed));
        Task<StringValue> one = server.HelloAsync("one");
        Task<StringValue> two = server.HelloAsync("two");
        using CancellationTokenSource source = new();
        Task<StringValue> cancelled = server.HelloAsync("cancelled", new RpcCallOptions { CancellationToken = source.Token });
        Task<StringValue> three = server.HelloAsync("three", new RpcCallOptions { CancellationToken = source.Token });
        ClientFrame request = await server.ReceiveAsync();
        await TimeLimits.Until(() => server.Client.QueuedCalls == 3);
        server.AssertNothingSent();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Within());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => three.Within());
        Task<StringValue> four = server.HelloAsync("four");
        await server.SendAsync(ServerFrame.Response(request.CallId, "1"));
        request = await server.ReceiveAsync();
        Assert.Equal("two", request.Text);
        server.AssertNothingSent();
        await server.SendAsync(ServerFrame.Response(request.CallId, "2"));
        request = await server.ReceiveAsync();
        Assert.Equal("four", request.Text);
        await server.SendAsync(ServerFrame.Response(request.CallId, "4"));
        Assert.Equal(["1", "2", "4"], (await Task.WhenAll(one, two, four).Within()).Select(reply => reply.Value));
    }

    [Fact]
    public async Task Settings_MostCallsAtOnce_ACancelledCallCountsUntilItIsAnswered()
    {
        await using ScriptedServer server = new();
        await server.SendAsync(ServerFrame.Settings(new RpcSettings { MaxConcurrentCalls = 1 }), ServerFrame.Ping(1));
        await server.ReceiveAsync(RpcFrameType.Pong);
        using CancellationTokenSource source = new();
        Task<StringValue> one = server.HelloAsync("one", new RpcCallOptions { CancellationToken = source.Token });
        uint id = (await server.ReceiveAsync()).CallId;
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one.Within());
        Assert.Equal(id, (await server.ReceiveAsync(RpcFrameType.Cancel)).CallId);
        Task<StringValue> two = server.HelloAsync("two");
        await TimeLimits.Until(() => server.Client.QueuedCalls == 1);
        server.AssertNothingSent();
        await server.SendAsync(ServerFrame.Failure(id, RpcStatusCode.Cancelled, ""));
        ClientFrame request = await server.ReceiveAsync();
        await server.SendAsync(ServerFrame.Response(request.CallId, "ok"));
        Assert.Equal("ok", (await two.Within()).Value);
    }

    [Fact]
    public async Task Settings_MostCallsAtOnce_IsKeptByManyThreads()
    {
        const int Limit = 7;
        const int CallsEach = 200;
        await using ScriptedServer server = new();
        await server.SendAsync(ServerFrame.Settings(new RpcSettings { MaxConcurrentCalls = Limit }), ServerFrame.Ping(1));
        await server.ReceiveAsync(RpcFrameType.Pong);
        Task calling = Task.WhenAll(Enumerable.Range(0, 16).Select(caller => Task.Run(async () =>
        {
            StringValue[] replies = await Task.WhenAll(Enumerable.Range(0, CallsEach).Select(_ => server.HelloAsync($"{caller}")));
            Assert.All(replies, reply => Assert.Equal($"{caller}", reply.Value));
        })));
        Queue<ClientFrame> underWay = new();
        for (int answered = 0; answered < 16 * CallsEach;)
        {
            if (underWay.Count < Limit && answered + underWay.Count < 16 * CallsEach)
            {
                underWay.Enqueue(await server.ReceiveAsync());
                continue;
            }

            server.AssertNothingSent();
            ClientFrame request = underWay.Dequeue();
            await server.SendAsync(ServerFrame.Response(request.CallId, request.Text));
            answered++;
        }

        await calling.Within();
    }

    [Fact]
    public async Task GoAway_Shutdown_CallsUnderWayEndAndNewOnesMayBeMadeElsewhere()
    {
        await using ScriptedServer server = new();
        Task<StringValue> call = server.HelloAsync("a");
        uint id = (await server.ReceiveAsync()).CallId;
        await server.SendAsync(ServerFrame.GoAway(RpcGoAwayCode.Shutdown, "The server stops."));
        await server.Client.GoingAway.Within();
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => server.HelloAsync("b").Within());
        Assert.Equal((RpcStatusCode.Unavailable, true), (refused.StatusCode, refused.IsNotProcessed));
        Assert.False(server.Client.Closed.IsCompleted);

        await server.SendAsync(ServerFrame.Response(id, "ok"));
        Assert.Equal("ok", (await call.Within()).Value);
        await server.Client.Closed.Within();
        Assert.Null(await server.TryReceiveAsync());
    }

    [Fact]
    public async Task GoAway_Error_EndsTheConnection()
    {
        await using ScriptedServer server = new();
        Task<StringValue> call = server.HelloAsync("a");
        await server.ReceiveAsync();
        await server.SendAsync(ServerFrame.GoAway(RpcGoAwayCode.InternalError, "broken"));
        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.Within());
        Assert.Equal((RpcStatusCode.Unavailable, false), (failed.StatusCode, failed.IsNotProcessed));
        Assert.Contains("broken", failed.Message, StringComparison.Ordinal);
        await server.Client.Closed.Within();
    }

    [Fact]
    public async Task Connection_Lost_SaysWhichCallsNeverLeft()
    {
        await using ScriptedServer server = new(requests: new(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        Task<StringValue> left = server.HelloAsync("a");
        Task<StringValue> waits = server.HelloAsync("b");
        await server.Replies.CompleteAsync();
        Assert.False((await Assert.ThrowsAsync<RpcException>(() => left.Within())).IsNotProcessed);
        Assert.True((await Assert.ThrowsAsync<RpcException>(() => waits.Within())).IsNotProcessed);
    }
}
