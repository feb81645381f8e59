using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Messages longer than a frame, and the credit for them.</summary>
public sealed class CutMessageTests
{
    private const int Large = 3 * 1024 * 1024;
    private const int CallCredit = RpcSettings.DefaultCallCredit;

    public static TheoryData<TransportKind> Transports => [TransportKind.Sockets, TransportKind.Epoll, TransportKind.IoUring];

    [Theory, MemberData(nameof(Transports))]
    public async Task Request_InPieces_IsPutTogetherWhileOtherCallsGoOn(TransportKind transport)
    {
        await using TestServer server = await StartEchoAsync(transport);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        string text = new('x', Large);
        List<byte[]> frames = Version2Frames.Cut(1, new HelloRequest { Msg = text }.ToByteArray(), 50_000);
        int credit = CallCredit;
        long connectionCredit = RpcSettings.DefaultConnectionCredit;
        for (int i = 0; i < frames.Count - 1; i++)
        {
            int cost = i == 0 ? 0 : 50_016;
            while (credit < cost || connectionCredit < cost)
            {
                Count(await peer.ReceiveAsync());
            }

            credit -= cost;
            connectionCredit -= cost;
            await peer.SendAsync(frames[i]);
            if (i % 10 == 0)
            {
                await peer.SendAsync(Version2Frames.Hello((uint)(100 + i), "length"));
                Version2Reply reply;
                while ((reply = await peer.ReceiveAsync()).Type != RpcFrameType.Response)
                {
                    Count(reply);
                }

                Assert.Equal("6", reply.Text);
            }
        }

        await peer.SendAsync(frames[^1]);
        Version2Reply last;
        while ((last = await peer.ReceiveAsync()).Type != RpcFrameType.Response)
        {
            Count(last);
        }

        Assert.Equal($"{Large}", last.Text);
        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();

        void Count(Version2Reply reply)
        {
            Assert.Equal(RpcFrameType.Credit, reply.Type);
            if (reply.Id == 0)
            {
                connectionCredit += reply.Credit;
            }
            else
            {
                Assert.Equal(1u, reply.Id);
                credit += reply.Credit;
            }
        }
    }

    [Fact]
    public async Task Request_EndComesAlone_RunsThen()
    {
        await using TestServer server = await StartEchoAsync(TransportKind.Sockets);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        byte[] message = new HelloRequest { Msg = "abc" }.ToByteArray();

        // The message with the REQUEST or behind it, END with the message or behind it.
        await peer.SendAsync(RequestWithout(1, RpcCallBits.NoMessage, []), Version2Frames.Data(1, RpcCallBits.End, message));
        Assert.Equal("3", (await peer.ReceiveResponseAsync(1)).Text);
        await peer.SendAsync(RequestWithout(2, RpcCallBits.None, message), Version2Frames.Data(2, RpcCallBits.End | RpcCallBits.NoMessage, []));
        Assert.Equal("3", (await peer.ReceiveResponseAsync(2)).Text);
        await peer.SendAsync(RequestWithout(3, RpcCallBits.NoMessage, []), Version2Frames.Data(3, RpcCallBits.None, message));
        await peer.SendAsync(Version2Frames.Data(3, RpcCallBits.End | RpcCallBits.NoMessage, []));
        Assert.Equal("3", (await peer.ReceiveResponseAsync(3)).Text);
    }

    [Fact]
    public async Task Request_NoMessageOrTwo_FailsThatCallAlone()
    {
        await using TestServer server = await StartEchoAsync(TransportKind.Sockets);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        byte[] message = new HelloRequest { Msg = "abc" }.ToByteArray();
        await peer.SendAsync(RequestWithout(1, RpcCallBits.NoMessage, []), Version2Frames.Data(1, RpcCallBits.End | RpcCallBits.NoMessage, []));
        Assert.Equal(RpcStatusCode.InvalidArgument, (await peer.ReceiveResponseAsync(1)).Status.Code);
        await peer.SendAsync(RequestWithout(2, RpcCallBits.None, message), Version2Frames.Data(2, RpcCallBits.End, message));
        Assert.Equal(RpcStatusCode.InvalidArgument, (await peer.ReceiveResponseAsync(2)).Status.Code);
        await peer.SendAsync(Version2Frames.Hello(3, "abc"));
        Assert.Equal("3", (await peer.ReceiveResponseAsync(3)).Text);
    }

    [Fact]
    public async Task Request_LongerThanTheLimit_IsRefusedBeforeItsPiecesCome()
    {
        await using TestServer server = await StartEchoAsync(TransportKind.Sockets);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        RpcCallHeader tooLong = new() { Flags = RpcCallBits.More, MessageLength = (4 * 1024 * 1024) + 1 };
        await peer.SendAsync(Version2Frames.Request(1, tooLong, new byte[10]));
        Version2Reply reply = await peer.ReceiveResponseAsync(1);
        Assert.Equal(RpcStatusCode.ResourceExhausted, reply.Status.Code);
        Assert.Equal(RpcCallBits.NoMessage | RpcCallBits.NotProcessed, reply.Flags);

        // What its caller had sent already is ignored, and paid back.
        for (int i = 0; i < 40; i++)
        {
            await peer.SendAsync(Version2Frames.Data(1, RpcCallBits.More, new byte[60_000]));
        }

        await peer.SendAsync(Version2Frames.Hello(2, "abc"));
        int credit = 0;
        while ((reply = await peer.ReceiveAsync()).Type == RpcFrameType.Credit)
        {
            Assert.Equal(0u, reply.Id);
            credit += reply.Credit;
        }

        Assert.Equal("3", reply.Text);
        Assert.InRange(credit, 2 * 1024 * 1024, 40 * 60_016);
    }

    [Fact]
    public async Task Requests_ManyUnfinished_AreBoundedTogether()
    {
        await using TestServer server = await StartEchoAsync(TransportKind.Sockets);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        int refused = 0;
        for (uint id = 1; id <= 400; id++)
        {
            // 64 KiB each of a message of 4 MiB: four of them may come together.
            RpcCallHeader begun = new() { Flags = RpcCallBits.More, MessageLength = 4 * 1024 * 1024 };
            await peer.SendAsync(Version2Frames.Request(id, begun, new byte[64 * 1024]));
        }

        await peer.SendAsync(Version2Frames.Hello(1000, "abc"));
        Version2Reply reply;
        while ((reply = await peer.ReceiveAsync()).Id != 1000)
        {
            Assert.Equal(RpcStatusCode.ResourceExhausted, reply.Status.Code);
            refused++;
        }

        Assert.Equal("3", reply.Text);
        Assert.Equal(400 - 4, refused);
    }

    [Theory]
    [InlineData("cancel")]
    [InlineData("end of sending")]
    [InlineData("reset")]
    public async Task Request_NeverFinished_EndsWithTheCallerOrItsConnection(string how)
    {
        await using TestServer server = await StartEchoAsync(TransportKind.IoUring);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Cut(1, new byte[200_000], 50_000)[0]);
        switch (how)
        {
            case "cancel":
                await peer.SendAsync(Version2Frames.Cancel(1));
                Assert.Equal(RpcStatusCode.Cancelled, (await peer.ReceiveResponseAsync(1)).Status.Code);
                break;
            case "end of sending":
                peer.Raw.EndSending();
                Assert.Equal(RpcStatusCode.Cancelled, (await peer.ReceiveResponseAsync(1)).Status.Code);
                Assert.Null(await peer.TryReceiveAsync());
                break;
            default:
                peer.Raw.Reset();
                break;
        }

        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Reply_LongerThanAFrame_ComesInPiecesAsFarAsThereIsCredit(TransportKind transport)
    {
        await using TestServer server = await StartEchoAsync(transport);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, $"make {Large}", index: 1));
        List<byte> received = [];
        int credit = CallCredit;
        Version2Reply piece;
        while (true)
        {
            piece = await peer.ReceiveAsync();
            if (piece.Id != 1)
            {
                Assert.Equal("6", piece.Text); // another call, while the first one waits for credit
                await peer.SendAsync(Version2Frames.Credit(0, 100_000), Version2Frames.Credit(1, 100_000));
                credit += 100_000;
                continue;
            }

            Assert.InRange(piece.Body.Length, 1, 64 * 1024);
            received.AddRange(piece.Body);
            if (piece.Type == RpcFrameType.Response)
            {
                break;
            }

            Assert.Equal(RpcFrameType.Data, piece.Type);
            Assert.Equal(RpcCallBits.More, piece.Flags);
            credit -= piece.Body.Length + 16;
            Assert.InRange(credit, 0, int.MaxValue);
            if (credit < 5000)
            {
                await peer.SendAsync(Version2Frames.HelloByIndex(2, 1, "length"));
            }
        }

        Assert.Equal(Large, HelloReply.Parser.ParseFrom([.. received]).Msg.Length);
        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();
    }

    [Theory]
    [InlineData("cancel", RpcStatusCode.Cancelled)]
    [InlineData("timeout", RpcStatusCode.DeadlineExceeded)]
    [InlineData("end of sending", RpcStatusCode.Unavailable)]
    [InlineData("reset", RpcStatusCode.Ok)]
    [InlineData("stop", RpcStatusCode.Ok)] // Kestrel resets what is left at the same time, so nothing may come
    public async Task Reply_WaitsForCreditThatNeverComes_EndsWithTheCall(string how, RpcStatusCode code)
    {
        await using TestServer server = await StartEchoAsync(TransportKind.IoUring, shutdownTimeout: TimeSpan.FromMilliseconds(200));
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        RpcCallHeader header = new() { Timeout = how == "timeout" ? TimeSpan.FromMilliseconds(300) : null };
        await peer.SendAsync(Version2Frames.Hello(1, $"make {Large}", header));
        int credit = CallCredit;
        while (credit >= 16 + 4096)
        {
            Version2Reply piece = await peer.ReceiveAsync();
            if (piece.Type == RpcFrameType.Response)
            {
                Assert.Equal("timeout", how); // before the credit was used up, on a busy machine
                Assert.Equal(code, piece.Status.Code);
                return;
            }

            credit -= piece.Body.Length + 16;
        }

        Task stopped = Task.CompletedTask;
        switch (how)
        {
            case "cancel":
                await peer.SendAsync(Version2Frames.Cancel(1));
                break;
            case "end of sending":
                peer.Raw.EndSending();
                break;
            case "reset":
                peer.Raw.Reset();
                break;
            case "stop":
                stopped = server.StopAsync();
                Assert.Equal(RpcFrameType.GoAway, (await peer.ReceiveAsync()).Type);
                break;
        }

        if (how is not ("reset" or "stop"))
        {
            Assert.Equal(code, (await peer.ReceiveResponseAsync(1)).Status.Code);
        }

        await stopped;
        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();
    }

    [Fact]
    public async Task Replies_ManyCutAndSlowCredit_AllArrive()
    {
        const int Calls = 50;
        await using TestServer server = await StartEchoAsync(TransportKind.Epoll);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Settings(new RpcSettings { MaxFrameBodyLength = 100_000 }), Version2Frames.Hello(1, "make 1", index: 1));
        await peer.ReceiveResponseAsync(1);
        await peer.SendAsync([.. Enumerable.Range(2, Calls).Select(id => Version2Frames.HelloByIndex((uint)id, 1, $"make {id * 10_000}"))]);
        Dictionary<uint, int> lengths = [];
        int done = 0;
        while (done < Calls)
        {
            Version2Reply piece = await peer.ReceiveAsync();
            Assert.InRange(piece.Body.Length, 1, 100_000);
            lengths[piece.Id] = lengths.GetValueOrDefault(piece.Id) + piece.Body.Length;
            if (piece.Type == RpcFrameType.Response)
            {
                done++;
                Assert.InRange(lengths[piece.Id], (int)piece.Id * 10_000, ((int)piece.Id * 10_000) + 10);
            }
            else
            {
                // As a client that takes what has come: half of them at once, half only the connection's share first.
                await peer.SendAsync(Version2Frames.Credit(0, piece.Body.Length + 16));
                await peer.SendAsync(Version2Frames.Credit(piece.Id, piece.Body.Length + 16));
            }
        }
    }

    private static Task<TestServer> StartEchoAsync(TransportKind transport, TimeSpan? shutdownTimeout = null) => TestServer.StartAsync(new TestServerSetup
    {
        Transport = transport,
        ShutdownTimeout = shutdownTimeout ?? TimeSpan.FromSeconds(20),
        App = app => app.MapRpc(Golden.Name, (HelloRequest request) => new HelloReply
        {
            Msg = request.Msg.StartsWith("make ", StringComparison.Ordinal)
                ? new string('y', int.Parse(request.Msg[5..], System.Globalization.CultureInfo.InvariantCulture))
                : $"{request.Msg.Length}",
        }),
    });

    private static byte[] RequestWithout(uint id, RpcCallBits flags, byte[] body) => Version2Frames.Request(id, new RpcCallHeader { Flags = flags }, body);
}
