using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests;

/// <summary>Cancellation, limits and sequence ids: what goes on before and beside the reply.</summary>
public class RpcConnectionCallTests
{
    [Fact]
    public async Task Call_CancelledBefore_IsNotSent()
    {
        await using PipeServer server = new();
        using CancellationTokenSource source = new();
        await source.CancelAsync();
        await Assert.ThrowsAsync<TaskCanceledException>(() => server.HelloAsync("never", source.Token).Within());

        _ = server.HelloAsync("next");
        Assert.Equal("next", (await server.ReceiveAsync()).Text);
    }

    [Fact]
    public async Task Call_CancelledAfterSending_EndsAtOnceAndItsLateReplyIsDropped()
    {
        await using PipeServer server = new();
        using CancellationTokenSource source = new();
        Task<StringValue> cancelled = server.HelloAsync("a", source.Token);
        uint id = (await server.ReceiveAsync()).SequenceId;
        await source.CancelAsync();
        OperationCanceledException failed = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Within());
        Assert.Equal(source.Token, failed.CancellationToken);
        Assert.Equal(0, server.Client.PendingCalls);

        Task<StringValue> next = server.HelloAsync("b");
        await server.SendAsync(Wire.Reply(id, "late"), Wire.Reply((await server.ReceiveAsync()).SequenceId, "next"));
        Assert.Equal("next", (await next.Within()).Value);
    }

    [Fact]
    public async Task Call_CancelledWhileItWaitsToBeSent_IsNeverSent()
    {
        // The first flush waits because one byte is too many for this pipe.
        await using PipeServer server = new(requests: new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        using CancellationTokenSource source = new();
        Task<StringValue> first = server.HelloAsync("first");
        Task<StringValue> second = server.HelloAsync("second", source.Token);
        Task<StringValue> third = server.HelloAsync("third");
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second.Within());

        (uint firstId, string firstText) = await server.ReceiveAsync();
        (uint thirdId, string thirdText) = await server.ReceiveAsync();
        Assert.Equal(("first", "third"), (firstText, thirdText));
        await server.SendAsync(Wire.Reply(firstId, "1"), Wire.Reply(thirdId, "3"));
        Assert.Equal("1", (await first.Within()).Value);
        Assert.Equal("3", (await third.Within()).Value);
    }

    [Fact]
    public async Task Call_RequestChangedAfterwards_WasSentAsItWas()
    {
        await using PipeServer server = new(requests: new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        StringValue request = Wire.Text("before");
        _ = server.HelloAsync("blocks the queue");
        _ = server.Client.CallAsync<StringValue, StringValue>(Wire.Hello, request).AsTask();
        request.Value = "after";
        await server.ReceiveAsync();
        Assert.Equal("before", (await server.ReceiveAsync()).Text);
    }

    [Fact]
    public async Task Call_OneMoreThanMayBePending_FailsAtOnceAndTheOthersGoOn()
    {
        await using PipeServer server = new(new RpcConnectionOptions { MaxPendingCalls = 2 });
        Task<StringValue> first = server.HelloAsync("1");
        Task<StringValue> second = server.HelloAsync("2");
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => server.HelloAsync("3").Within());
        Assert.Equal(RpcErrorCode.Client, refused.Code);
        Assert.Equal(2, server.Client.PendingCalls);

        await server.SendAsync(Wire.Reply((await server.ReceiveAsync()).SequenceId, "1"));
        Assert.Equal("1", (await first.Within()).Value);
        Task<StringValue> fourth = server.HelloAsync("4");
        await server.SendAsync(Wire.Reply((await server.ReceiveAsync()).SequenceId, "2"));
        await server.SendAsync(Wire.Reply((await server.ReceiveAsync()).SequenceId, "4"));
        Assert.Equal("2", (await second.Within()).Value);
        Assert.Equal("4", (await fourth.Within()).Value);
    }

    [Fact]
    public async Task Calls_PeerThatReadsNothing_QueueIsBoundedEvenIfCallsAreCancelled()
    {
        RpcConnectionOptions options = new() { MaxPendingCalls = 10, CloseTimeout = TimeSpan.FromMilliseconds(50) };
        await using PipeServer server = new(options, requests: new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        int refused = 0;
        for (int i = 0; i < 100; i++)
        {
            using CancellationTokenSource one = new();
            Task<StringValue> call = server.HelloAsync("waits", one.Token);
            await one.CancelAsync();
            Exception failed = await Assert.ThrowsAnyAsync<Exception>(() => call.Within());
            refused += failed is RpcException { Code: RpcErrorCode.Client } ? 1 : 0;
        }

        Assert.Equal(90, refused);
        Assert.Equal(10, server.Client.QueuedCalls);
        Assert.Equal(0, server.Client.PendingCalls);
    }

    [Fact]
    public async Task Calls_MoreBytesThanMayWait_WaitAsMessagesAndAreWrittenDirectly()
    {
        RpcConnectionOptions options = new() { MaxQueuedBytes = 10_000 };
        await using PipeServer server = new(options, requests: new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        string large = new('x', 5000);
        Task<StringValue>[] calls = [.. Enumerable.Range(0, 100).Select(i => server.HelloAsync($"{i}{large}"))];
        Assert.InRange(server.Client.QueuedBytes, 10_000, 15_000 + 500);
        Assert.Equal(100, server.Client.QueuedCalls);

        foreach (Task<StringValue> _ in calls)
        {
            (uint id, string text) = await server.ReceiveAsync();
            await server.SendAsync(Wire.Reply(id, text));
        }

        for (int i = 0; i < calls.Length; i++)
        {
            Assert.Equal($"{i}{large}", (await calls[i].Within()).Value);
        }

        Assert.Equal(0, server.Client.QueuedBytes);
        Assert.Equal(0, server.Client.QueuedCalls);
    }

    [Fact]
    public async Task Calls_WaitAsMessagesAndAreCancelled_LetGoOfTheirMessages()
    {
        RpcConnectionOptions options = new() { MaxQueuedBytes = 1, CloseTimeout = TimeSpan.FromMilliseconds(50) };
        await using PipeServer server = new(options, requests: new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        List<WeakReference> messages = [];
        for (int i = 0; i < 10; i++)
        {
            using CancellationTokenSource one = new();
            Task call = Call(server.Client, messages, one.Token);
            await one.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Within());
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        // The first was written, and the second waits serialised.
        Assert.Equal(10, server.Client.QueuedCalls);
        Assert.All(messages, message => Assert.False(message.IsAlive));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static Task Call(RpcConnection client, List<WeakReference> messages, CancellationToken cancellationToken)
        {
            StringValue message = new() { Value = new string('x', 1000) };
            messages.Add(new WeakReference(message));
            return client.CallAsync<StringValue, StringValue>(Wire.Hello, message, cancellationToken).AsTask();
        }
    }

    [Fact]
    public async Task Calls_MoreThanTheRingTakes_AllLeave()
    {
        await using PipeServer server = new(requests: new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        Task<StringValue>[] calls = [.. Enumerable.Range(0, 5 * OutputQueue.RingCapacity).Select(i => server.HelloAsync($"{i}"))];
        HashSet<string> received = [];
        foreach (Task<StringValue> _ in calls)
        {
            (uint id, string text) = await server.ReceiveAsync();
            Assert.True(received.Add(text));
            await server.SendAsync(Wire.Reply(id, text));
        }

        for (int i = 0; i < calls.Length; i++)
        {
            Assert.Equal($"{i}", (await calls[i].Within()).Value);
        }
    }

    [Fact]
    public async Task Call_RequestOverTheLimit_FailsAndNothingIsSent()
    {
        await using PipeServer server = new(new RpcConnectionOptions { Limits = new RpcFrameLimits { MaxBodyLength = 10 } });
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => server.HelloAsync("more than ten").Within());
        Assert.Equal(RpcErrorCode.Encoding, refused.Code);
        _ = server.HelloAsync("ten");
        Assert.Equal("ten", (await server.ReceiveAsync()).Text);
    }

    [Fact]
    public async Task Calls_LargeAndSmallByTurns_ArriveWhole()
    {
        await using PipeServer server = new();
        for (int i = 0; i < 20; i++)
        {
            string text = new((char)('a' + i), i % 2 == 0 ? 1_000_000 : 3);
            Task<StringValue> call = server.HelloAsync(text);
            (uint id, string received) = await server.ReceiveAsync();
            Assert.Equal(text, received);
            await server.SendAsync(Wire.Reply(id, text));
            Assert.Equal(text, (await call.Within()).Value);
        }
    }

    [Fact]
    public async Task SequenceIds_AtTheEnd_WrapAndSkipZero()
    {
        await using PipeServer server = new(lastSequenceId: uint.MaxValue - 2);
        uint[] ids = new uint[4];
        for (int i = 0; i < ids.Length; i++)
        {
            _ = server.HelloAsync("a");
            ids[i] = (await server.ReceiveAsync()).SequenceId;
        }

        Assert.Equal([uint.MaxValue - 1, uint.MaxValue, 1, 2], ids);
    }

    [Fact]
    public async Task Reply_AwaitedTwice_Throws()
    {
        await using PipeServer server = new();
#pragma warning disable CA2012 // The misuse is the test.
        ValueTask<StringValue> call = server.Client.CallAsync<StringValue, StringValue>(Wire.Hello, Wire.Text("a"));
        await server.SendAsync(Wire.Reply((await server.ReceiveAsync()).SequenceId, "b"));
        Assert.Equal("b", (await call.Within()).Value);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await call);
#pragma warning restore CA2012
    }
}
