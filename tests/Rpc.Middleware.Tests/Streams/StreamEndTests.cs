using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>How calls with streams end: by their handler, their caller, the clock, the host.</summary>
public sealed class StreamEndTests
{
    private static readonly RpcMethod<BytesValue, BytesValue> Duplex =
        StreamServer.Method<BytesValue, BytesValue>(RpcMethodShape.DuplexStreaming, "Duplex");

    [Theory]
    [InlineData("dispose")]
    [InlineData("token")]
    [InlineData("time limit")]
    [InlineData("connection")]
    public async Task Caller_GivesUp_ReadingAndWritingHandlersAreCancelled(string how)
    {
        TaskCompletionSource reading = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<(Exception Reading, Exception Writing, bool IsCancelled)> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await ServeAsync(async (requests, replies, context) =>
        {
            CancellationToken token = context.CancellationToken;
            Assert.True(await requests.MoveNextAsync());
            Task<bool> next = requests.MoveNextAsync().AsTask();
            Task writing = Task.Run(async () =>
            {
                while (true)
                {
                    await replies.WriteAsync(StreamServer.Bytes(10_000)); // waits for credit soon
                }
            });
            reading.SetResult();
            Exception read = await Assert.ThrowsAnyAsync<Exception>(() => next);
            Exception write = await Assert.ThrowsAnyAsync<Exception>(() => writing);
            ended.SetResult((read, write, token.IsCancellationRequested));
            token.ThrowIfCancellationRequested();
        });
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using CancellationTokenSource source = new();
        RpcCallOptions options = new() { CancellationToken = source.Token, Timeout = how == "time limit" ? TimeSpan.FromMilliseconds(300) : null };
        using RpcDuplexStreamingCall<BytesValue, BytesValue> call = connection.StartDuplexStream(Duplex, options);
        await call.Requests.WriteAsync(StreamServer.Bytes(1)).InTime();
        await reading.Task.InTime();
        switch (how)
        {
            case "dispose":
                call.Dispose();
                break;
            case "token":
                await source.CancelAsync();
                break;
            case "connection":
                await connection.DisposeAsync();
                break;
        }

        (Exception read, Exception write, bool isCancelled) = await ended.Task.InTime();

        if (how != "connection")
        {
            Assert.IsAssignableFrom<OperationCanceledException>(read);
            Assert.IsAssignableFrom<OperationCanceledException>(write);
            Assert.True(isCancelled);
        }

        await connection.DisposeAsync();
        await server.ExpectNothingLeftAsync();
    }

    [Fact]
    public async Task Caller_GivesUpWhileRepliesCome_NothingElseHappens()
    {
        await using TestServer server = await ServeAsync(async (requests, replies, _) =>
        {
            while (true)
            {
                await replies.WriteAsync(StreamServer.Bytes(10));
            }
        });
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        for (int i = 0; i < 200; i++)
        {
            using CancellationTokenSource source = new();
            using RpcDuplexStreamingCall<BytesValue, BytesValue> call = connection.StartDuplexStream(Duplex, new RpcCallOptions { CancellationToken = source.Token });
            Task reading = Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            {
                for (int replies = 0; await call.Replies.MoveNextAsync(); replies++)
                {
                    if (replies == i)
                    {
                        _ = Task.Run(source.Cancel);
                    }
                }
            });
            await reading.InTime();
        }

        await connection.DisposeAsync();
        await server.ExpectNothingLeftAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Handler_Fails_WhatItWroteComesBeforeTheStatus(bool isSynchronous)
    {
        await using TestServer server = await ServeAsync((requests, replies, _) =>
        {
            for (int i = 1; i <= 3; i++)
            {
                Assert.True(replies.WriteAsync(StreamServer.Bytes(i)).AsTask().IsCompletedSuccessfully);
            }

            RpcException failure = new(new RpcStatus(RpcStatusCode.NotFound, "no more"), new RpcMetadata { { "hint", "later" } });
            return isSynchronous ? throw failure : Task.FromException(failure);
        });
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using RpcDuplexStreamingCall<BytesValue, BytesValue> call = connection.StartDuplexStream(Duplex);
        for (int i = 1; i <= 3; i++)
        {
            Assert.True(await call.Replies.MoveNextAsync().InTime());
            Assert.Equal(i, call.Replies.Current.Value.Length);
        }

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.Replies.MoveNextAsync().InTime());
        Assert.Equal(new RpcStatus(RpcStatusCode.NotFound, "no more"), failed.Status);
        Assert.Equal("later", call.Trailers.GetValue("hint"));
    }

    [Fact]
    public async Task Handler_ReturnsEarly_CallerThatWritesIsTold()
    {
        await using TestServer server = await StreamServer.StartAsync("typed", more: app =>
            app.MapRpcClientStream<BytesValue, Int32Value>("test/First", async (requests, _) =>
            {
                Assert.True(await requests.MoveNextAsync());
                return new Int32Value { Value = requests.Current.Value.Length };
            }));
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        RpcMethod<BytesValue, Int32Value> first = StreamServer.Method<BytesValue, Int32Value>(RpcMethodShape.ClientStreaming, "First");
        using RpcClientStreamingCall<BytesValue, Int32Value> call = connection.StartClientStream(first);

        // More than any credit: without the end of the call this would wait for ever.
        await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (true)
            {
                await call.Requests.WriteAsync(StreamServer.Bytes(50_000)).InTime();
            }
        });

        Assert.Equal(50_000, (await call.ReplyAsync.InTime()).Value);
    }

    [Fact]
    public async Task Metadata_BeforeTheFirstReply_GoesAheadAndTrailersBehind()
    {
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await ServeAsync(async (requests, replies, context) =>
        {
            Assert.Equal((RpcMethodShape.DuplexStreaming, RpcMethodShape.DuplexStreaming), (context.Shape, context.Endpoint.Shape));
            context.ReplyMetadata.Add("region", context.RequestMetadata.GetValue("where")!);
            await replies.WriteAsync(StreamServer.Bytes(1));
            await go.Task;
            context.ReplyTrailers.Add("cost", "5");
        });
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        RpcCallOptions options = new() { Metadata = new RpcMetadata { { "where", "east" } } };
        using RpcDuplexStreamingCall<BytesValue, BytesValue> call = connection.StartDuplexStream(Duplex, options);

        Assert.Equal("east", (await call.HeadersAsync.InTime()).GetValue("region"));
        Assert.True(await call.Replies.MoveNextAsync().InTime());
        go.SetResult();
        Assert.False(await call.Replies.MoveNextAsync().InTime());
        Assert.Equal("5", call.Trailers.GetValue("cost"));
    }

    [Fact]
    public async Task Streams_UsedAfterTheCall_SayThatItHasEnded()
    {
        TaskCompletionSource<(IRpcStreamReader<BytesValue>, IRpcStreamWriter<BytesValue>)> kept = new();
        await using TestServer server = await ServeAsync((requests, replies, _) =>
        {
            kept.SetResult((requests, replies));
            return Task.CompletedTask;
        });
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using RpcDuplexStreamingCall<BytesValue, BytesValue> call = connection.StartDuplexStream(Duplex);
        Assert.False(await call.Replies.MoveNextAsync().InTime());
        (IRpcStreamReader<BytesValue> requests, IRpcStreamWriter<BytesValue> replies) = await kept.Task.InTime();

        InvalidOperationException read = await Assert.ThrowsAsync<InvalidOperationException>(() => requests.MoveNextAsync().InTime());
        InvalidOperationException written = await Assert.ThrowsAsync<InvalidOperationException>(() => replies.WriteAsync(StreamServer.Bytes(1)).InTime());
        Assert.Contains("has ended", read.Message, StringComparison.Ordinal);
        Assert.Contains("has ended", written.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Writer_UsedWrongly_SaysHow()
    {
        TaskCompletionSource<(Exception, Exception)> seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await ServeAsync(async (requests, replies, _) =>
        {
            Exception tooLong = await Assert.ThrowsAsync<RpcException>(() => replies.WriteAsync(StreamServer.Bytes(5_000_000)).AsTask());
            await replies.WriteAsync(StreamServer.Bytes(1)); // the stream goes on
            await replies.CompleteAsync();
            Exception completed = await Assert.ThrowsAsync<InvalidOperationException>(() => replies.WriteAsync(StreamServer.Bytes(1)).AsTask());
            seen.SetResult((tooLong, completed));
        });
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using RpcDuplexStreamingCall<BytesValue, BytesValue> call = connection.StartDuplexStream(Duplex);

        Assert.True(await call.Replies.MoveNextAsync().InTime());
        Assert.False(await call.Replies.MoveNextAsync().InTime());
        (Exception tooLong, Exception completed) = await seen.Task.InTime();
        Assert.Equal(RpcStatusCode.ResourceExhausted, ((RpcException)tooLong).StatusCode);
        Assert.Contains("completed", completed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reader_ItsTokenFires_OnlyTheWaitingEnds()
    {
        await using TestServer server = await ServeAsync(async (requests, replies, _) =>
        {
            using CancellationTokenSource patience = new();
            ValueTask<bool> waiting = requests.MoveNextAsync(patience.Token);
            await patience.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.AsTask());
            await replies.WriteAsync(StreamServer.Bytes(1));
            Assert.True(await requests.MoveNextAsync());
            await replies.WriteAsync(requests.Current);
        });
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using RpcDuplexStreamingCall<BytesValue, BytesValue> call = connection.StartDuplexStream(Duplex);

        Assert.True(await call.Replies.MoveNextAsync().InTime());
        await call.Requests.WriteAsync(StreamServer.Bytes(2)).InTime();
        Assert.True(await call.Replies.MoveNextAsync().InTime());
        Assert.Equal(2, call.Replies.Current.Value.Length);
        Assert.False(await call.Replies.MoveNextAsync().InTime());
    }

    [Theory]
    [InlineData(TransportKind.Sockets)]
    [InlineData(TransportKind.IoUring)]
    public async Task Host_Stops_StreamsMayFinishUntilItsTimeOut(TransportKind transport)
    {
        TaskCompletionSource<Exception> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await ServeAsync(
            async (requests, replies, _) =>
            {
                try
                {
                    while (await requests.MoveNextAsync())
                    {
                        await replies.WriteAsync(requests.Current);
                    }
                }
                catch (Exception exception)
                {
                    ended.SetResult(exception);
                    throw;
                }
            },
            transport,
            TimeSpan.FromMilliseconds(500));
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using RpcDuplexStreamingCall<BytesValue, BytesValue> finished = connection.StartDuplexStream(Duplex);
        using RpcDuplexStreamingCall<BytesValue, BytesValue> endless = connection.StartDuplexStream(Duplex);
        await EchoAsync(finished);
        await EchoAsync(endless);

        Task stopped = server.StopAsync();
        await EchoAsync(finished);
        await finished.Requests.CompleteAsync().InTime();
        Assert.False(await finished.Replies.MoveNextAsync().InTime());

        Assert.IsAssignableFrom<OperationCanceledException>(await ended.Task.InTime());
        await stopped;
    }

    private static async Task EchoAsync(RpcDuplexStreamingCall<BytesValue, BytesValue> call)
    {
        await call.Requests.WriteAsync(StreamServer.Bytes(3)).InTime();
        Assert.True(await call.Replies.MoveNextAsync().InTime());
    }

    private static Task<TestServer> ServeAsync(
        Func<IRpcStreamReader<BytesValue>, IRpcStreamWriter<BytesValue>, RpcContext, Task> handler,
        TransportKind transport = TransportKind.Sockets,
        TimeSpan? shutdownTimeout = null) => TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            ShutdownTimeout = shutdownTimeout ?? TimeSpan.FromSeconds(20),
            App = app => app.MapRpc(
                "test/Duplex",
                (IRpcStreamReader<BytesValue> requests, IRpcStreamWriter<BytesValue> replies, RpcContext context) => handler(requests, replies, context)),
        });
}
