using System.Buffers;
using System.IO.Pipelines;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests;

/// <summary>Counts what the whole process allocates, so nothing may run beside it.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
[Collection(nameof(AllocationTests))]
public class AllocationTests
{
    [Fact]
    public async Task Call_WarmConnection_AllocatesLittleBeyondItsReply()
    {
        const int Calls = 20_000;
        const int ReplyMessage = 64; // a StringValue and its string
#if DEBUG
        const int Slack = 200; // state machines of async methods are classes
#else
        const int Slack = 30;
#endif

        // Inline, because a pipe that schedules on the pool allocates for it.
        PipeOptions inline = new(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false);
        await using PipeServer server = new(requests: inline, replies: inline);

        // A request sent back as it is is a good reply of type 1, and costs the test nothing.
        Task echo = Task.Run(() => EchoAsync(server));
        StringValue request = Wire.Text("echo");
        await Task.Run(() => CallAsync(server.Client, request, Calls)).Within();

        long before = GC.GetTotalAllocatedBytes(precise: true);
        await Task.Run(() => CallAsync(server.Client, request, Calls)).Within();
        long perCall = (GC.GetTotalAllocatedBytes(precise: true) - before) / Calls;

        // Measured 64 bytes with optimised code, 216 without. The rest is for a block of a queue now and then.
        Assert.InRange(perCall, 0, ReplyMessage + Slack);
        await server.Client.DisposeAsync().Within();
        await echo.Within();
    }

    [Fact]
    public async Task CallVersion2_WarmConnection_AllocatesLittleBeyondItsReply()
    {
        const int Calls = 20_000;
        const int ReplyMessage = 64; // a StringValue and its string
#if DEBUG
        const int Slack = 200;
#else
        const int Slack = 30;
#endif
        PipeOptions inline = new(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false);
        await using Version2.ScriptedServer server = new(requests: inline, replies: inline);
        Task echo = Task.Run(() => EchoVersion2Async(server));
        StringValue request = Wire.Text("echo");
        await Task.Run(() => CallVersion2Async(server.Client, request, Calls)).Within();

        long before = GC.GetTotalAllocatedBytes(precise: true);
        await Task.Run(() => CallVersion2Async(server.Client, request, Calls)).Within();
        long perCall = (GC.GetTotalAllocatedBytes(precise: true) - before) / Calls;

        Assert.InRange(perCall, 0, ReplyMessage + Slack);
        await server.Client.DisposeAsync().Within();
        await echo.Within();
    }

    private static async Task CallVersion2Async(RpcConnection client, StringValue request, int calls)
    {
        for (int i = 0; i < calls; i++)
        {
            StringValue reply = await client.CallAsync(Version2.ScriptedServer.Hello, request);
            if (reply.Value != "echo")
            {
                Assert.Fail(reply.Value);
            }
        }
    }

    // One call at a time, whose method is known after the first: 16 + 2 bytes, then the message, which is sent back behind 16 bytes.
    private static async Task EchoVersion2Async(Version2.ScriptedServer server)
    {
        while (true)
        {
            ReadResult result = await server.Requests.ReadAsync();
            System.Buffers.ReadOnlySequence<byte> rest = result.Buffer;
            while (RpcFrameReader.TryRead(ref rest, RpcFrameRules.Default, out RpcFrame frame, out _) == RpcFrameReadStatus.Frame)
            {
                Span<byte> reply = server.Replies.GetSpan(RpcFrameHeader.Size + (int)frame.Body.Length);
                int start = RpcCallFrameWriter.WriteResponseStart(reply, frame.Header.SequenceId, (int)frame.Body.Length);
                System.Buffers.BuffersExtensions.CopyTo(frame.Body, reply[start..]);
                server.Replies.Advance(start + (int)frame.Body.Length);
            }

            server.Requests.AdvanceTo(rest.Start, result.Buffer.End);
            await server.Replies.FlushAsync();
            if (result.IsCompleted)
            {
                return;
            }
        }
    }

    private static async Task CallAsync(RpcConnection client, StringValue request, int calls)
    {
        for (int i = 0; i < calls; i++)
        {
            StringValue reply = await client.CallAsync<StringValue, StringValue>("helloworld", "Hello", request);
            if (reply.Value != "echo")
            {
                Assert.Fail(reply.Value); // Assert.Equal allocates
            }
        }
    }

    private static async Task EchoAsync(PipeServer server)
    {
        while (true)
        {
            ReadResult result = await server.Requests.ReadAsync();
            foreach (ReadOnlyMemory<byte> piece in result.Buffer)
            {
                server.Replies.Write(piece.Span);
            }

            server.Requests.AdvanceTo(result.Buffer.End);
            await server.Replies.FlushAsync();
            if (result.IsCompleted)
            {
                return;
            }
        }
    }
}
