using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests.Version2;

/// <summary>Requests longer than a frame, under credit, and replies in pieces.</summary>
public class CutMessageTests
{
    private const int Frame = 64 * 1024;

    [Fact]
    public async Task Request_LongerThanAFrame_IsCutAndWaitsForCredit()
    {
        await using ScriptedServer server = new();
        string text = new('x', 900_000);
        byte[] message = ServerFrame.Text(text);
        Task<StringValue> call = server.HelloAsync(text);
        ClientFrame request = await server.ReceiveAsync();
        Assert.Equal((RpcCallBits.More, message.Length, Frame), (request.Flags, (int)request.MessageLength, request.Body.Length));
        List<byte> received = [.. request.Body];
        long credit = RpcSettings.DefaultCallCredit;
        while (received.Count < message.Length)
        {
            if (credit < RpcSettings.DefaultCallCredit / 2)
            {
                await server.SendAsync(ServerFrame.Credit(request.CallId, 100_000), ServerFrame.Credit(0, 100_000));
                credit += 100_000;
            }

            ClientFrame piece = await server.ReceiveAsync();
            Assert.Equal((RpcFrameType.Data, request.CallId, 0), (piece.Type, piece.CallId, (int)piece.MessageLength));
            credit -= RpcCredit.CostOf(piece.Body.Length);
            Assert.True(credit >= 0);
            received.AddRange(piece.Body);
            Assert.Equal(received.Count == message.Length ? RpcCallBits.End : RpcCallBits.More, piece.Flags);
        }

        Assert.Equal(message, received);
        await server.SendAsync(ServerFrame.Response(request.CallId, "stored"));
        Assert.Equal("stored", (await call.Within()).Value);
    }

    [Fact]
    public async Task Request_LongerThanAFrameAndItsCredit_StopsAtTheCreditAndLetsOthersBy()
    {
        await using ScriptedServer server = new();
        Task<StringValue> large = server.HelloAsync(new string('x', 1_000_000));
        await TimeLimits.Until(() => server.Client.ParkedCalls == 1);
        Task<StringValue> small = server.HelloAsync("small");
        long cost = 0;
        ClientFrame frame = await server.ReceiveAsync();
        uint largeId = frame.CallId;
        while ((frame = await server.ReceiveAsync()).Type == RpcFrameType.Data)
        {
            cost += RpcCredit.CostOf(frame.Body.Length);
        }

        Assert.InRange(cost, RpcSettings.DefaultCallCredit - 5000, RpcSettings.DefaultCallCredit);
        Assert.Equal("small", frame.Text);
        await server.SendAsync(ServerFrame.Response(frame.CallId, "ok"));
        Assert.Equal("ok", (await small.Within()).Value);
        Assert.False(large.IsCompleted);

        // The server may answer before it has all.
        await server.SendAsync(ServerFrame.Failure(largeId, RpcStatusCode.ResourceExhausted, "too long"));
        Assert.Equal(RpcStatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(() => large.Within())).StatusCode);
        Assert.Equal(0, server.Client.ParkedCalls);
        await TimeLimits.Until(() => server.Client.QueuedCalls == 0);
        server.AssertNothingSent();
    }

    [Fact]
    public async Task Requests_LargeAndSmall_TakeTurns()
    {
        // Nothing leaves before all are queued: the pipe takes one byte.
        await using ScriptedServer server = new(requests: new(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        _ = server.HelloAsync("blocks");
        _ = server.HelloAsync(new string('x', 250_000));
        for (int i = 0; i < 10; i++)
        {
            _ = server.HelloAsync($"{i}");
        }

        List<RpcFrameType> types = [];
        for (int i = 0; i < 1 + 4 + 10; i++)
        {
            types.Add((await server.ReceiveAsync()).Type);
        }

        Assert.True(types.LastIndexOf(RpcFrameType.Data) > types.LastIndexOf(RpcFrameType.Request), "The large request went in one go.");
        Assert.Equal(3, types.Count(type => type == RpcFrameType.Data));
    }

    [Fact]
    public async Task Request_WithAttachment_IsCutAsOne()
    {
        await using ScriptedServer server = new();
        byte[] attachment = [.. Enumerable.Range(0, 150_000).Select(i => (byte)i)];
        _ = server.HelloAsync("head", new RpcCallOptions { Attachment = attachment });
        ClientFrame request = await server.ReceiveAsync();
        List<byte> body = [.. request.Body];
        Assert.Equal(150_000, request.AttachmentLength);
        while (body.Count < request.MessageLength)
        {
            body.AddRange((await server.ReceiveAsync()).Body);
        }

        Assert.Equal([.. ServerFrame.Text("head"), .. attachment], body);
    }

    [Fact]
    public async Task Reply_LongerThanTheWindow_IsGrantedAsItComes()
    {
        await using ScriptedServer server = new();
        byte[] message = ServerFrame.Text(new string('y', 3_000_000));
        Task<StringValue> call = server.HelloAsync("a");
        uint id = (await server.ReceiveAsync()).CallId;
        long callCredit = RpcSettings.DefaultCallCredit;
        long connectionCredit = RpcSettings.DefaultConnectionCredit;
        int offset = 0;
        while (message.Length - offset > Frame)
        {
            while (callCredit < RpcCredit.CostOf(Frame) || connectionCredit < RpcCredit.CostOf(Frame))
            {
                ClientFrame credit = await server.ReceiveAsync(RpcFrameType.Credit);
                callCredit += credit.CallId == id ? credit.Credit : 0;
                connectionCredit += credit.CallId == 0 ? credit.Credit : 0;
            }

            byte[] piece = message[offset..(offset + Frame)];
            await server.SendAsync(offset == 0 ? ServerFrame.First(id, piece, message.Length) : ServerFrame.More(id, piece));
            callCredit -= RpcCredit.CostOf(Frame);
            connectionCredit -= RpcCredit.CostOf(Frame);
            offset += Frame;
        }

        await server.SendAsync(ServerFrame.Raw(RpcFrameType.Response, id, [], message[offset..]));
        Assert.Equal(3_000_000, (await call.Within()).Value.Length);
    }

    [Fact]
    public async Task Replies_FailureInTheMiddle_EndsTheCallAlone()
    {
        await using ScriptedServer server = new();
        Task<StringValue> call = server.HelloAsync("a");
        uint id = (await server.ReceiveAsync()).CallId;
        await server.SendAsync(ServerFrame.First(id, [1, 2, 3], 100), ServerFrame.Failure(id, RpcStatusCode.DataLoss, "lost"));
        Assert.Equal(RpcStatusCode.DataLoss, (await Assert.ThrowsAsync<RpcException>(() => call.Within())).StatusCode);
        Task<StringValue> next = server.HelloAsync("b");
        await server.SendAsync(ServerFrame.Response((await server.ReceiveAsync()).CallId, "ok"));
        Assert.Equal("ok", (await next.Within()).Value);
    }
}
