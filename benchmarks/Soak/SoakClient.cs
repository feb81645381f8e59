using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Benchmarks.Soak;

/// <summary>Well-behaved clients: each use of a connection is a few batches of calls, then it is closed in one of several ways.</summary>
/// <param name="current">The server of now.</param>
/// <param name="tally">Where calls are counted.</param>
internal sealed class SoakClient(Func<SoakServer> current, Tally tally)
{
    private const int MostBatches = 20;
    private const int MostCallsAtOnce = 24;
    private const int LongestEcho = 200_000;

    private static readonly RpcMethod<BytesValue, BytesValue> Echo = RpcMethod.Unary<BytesValue, BytesValue>("soak", "Echo");
    private static readonly RpcMethod<Int32Value, Int32Value> Slow = RpcMethod.Unary<Int32Value, Int32Value>("soak", "Slow");
    private static readonly RpcMethod<Int32Value, Int32Value> Throw = RpcMethod.Unary<Int32Value, Int32Value>("soak", "Throw");

    private static readonly RpcMethod<Int32Value, Int32Value> CountUp =
        RpcMethod.Create<Int32Value, Int32Value>(RpcMethodShape.ServerStreaming, "soak", "Count");

    private static readonly RpcMethod<Int32Value, Int32Value> Sum =
        RpcMethod.Create<Int32Value, Int32Value>(RpcMethodShape.ClientStreaming, "soak", "Sum");

    private static readonly RpcMethod<BytesValue, BytesValue> Mirror =
        RpcMethod.Create<BytesValue, BytesValue>(RpcMethodShape.DuplexStreaming, "soak", "Mirror");

    public async Task RunAsync(Random random, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            int version = random.Next(4) == 0 ? 1 : 2;
            RpcConnection connection;
            try
            {
                connection = await RpcConnection.ConnectAsync(current().EndPoint, new RpcConnectionOptions { ProtocolVersion = version }, CancellationToken.None);
            }
            catch (RpcException)
            {
                tally.Count("not connected");
                await Task.Yield();
                continue;
            }

            await UseAsync(connection, version, random, end);
        }
    }

    private async Task UseAsync(RpcConnection connection, int version, Random random, CancellationToken end)
    {
        // A connection that is closed with calls under way is reset, which cancels them at the server.
        bool closesEarly = random.Next(8) == 0;
        Task[] calls = [];
        await using (connection)
        {
            for (int batch = random.Next(1, MostBatches); batch > 0 && !connection.GoingAway.IsCompleted && !end.IsCancellationRequested; batch--)
            {
                calls = [.. Enumerable.Range(0, random.Next(1, MostCallsAtOnce)).Select(_ => CallAsync(connection, version, new Random(random.Next()), closesEarly))];
                if (!closesEarly)
                {
                    await Task.WhenAll(calls);
                }
            }
        }

        await Task.WhenAll(calls);
    }

    private async Task CallAsync(RpcConnection connection, int version, Random random, bool mayFail)
    {
        Interlocked.Increment(ref tally.Pending);
        string kind = "none";
        using CancellationTokenSource source = new();
        try
        {
            // Version 1 has unary calls only.
            int choice = random.Next(version == 1 ? 5 : 9);
            kind = choice switch
            {
                0 or 1 => "echo",
                2 => "slow",
                3 => "cancelled",
                4 => "throwing",
                5 => "server stream",
                6 => "client stream",
                7 => "duplex stream",
                _ => "stream left early",
            };
            await (choice switch
            {
                0 or 1 => EchoAsync(connection, random),
                2 => connection.CallAsync(Slow, new Int32Value { Value = random.Next(20) }).AsTask(),
                3 => GiveUpAsync(connection, source, random),
                4 => connection.CallAsync(Throw, new Int32Value()).AsTask(),
                5 => CountAsync(connection, random),
                6 => SumAsync(connection, random),
                7 => MirrorAsync(connection, random),
                _ => LeaveEarlyAsync(connection, random),
            });
            tally.Count($"{kind}: ok");
        }
        catch (RpcException exception) when (IsExpected(exception, kind, mayFail))
        {
            tally.Count($"{kind}: {exception.StatusCode}");
        }
        catch (OperationCanceledException) when (source.IsCancellationRequested)
        {
            tally.Count($"{kind}: cancelled");
        }
        catch (Exception exception)
        {
            tally.Fault($"{kind} in version {version}: {exception}");
        }
        finally
        {
            Interlocked.Decrement(ref tally.Pending);
        }
    }

    // A server that stops says UNAVAILABLE, and a connection that was refused, reset or closed here does too.
    private static bool IsExpected(RpcException exception, string kind, bool mayFail) =>
        exception.StatusCode == RpcStatusCode.Unavailable
        || (kind == "throwing" && exception.Code == RpcErrorCode.Server)
        || (kind == "cancelled" && exception.StatusCode is RpcStatusCode.DeadlineExceeded or RpcStatusCode.Cancelled)
        || (mayFail && exception.StatusCode is RpcStatusCode.Cancelled)
        || exception.Message.Contains("The server has stopped", StringComparison.Ordinal); // version 1 knows no better

    private static async Task EchoAsync(RpcConnection connection, Random random)
    {
        BytesValue sent = Bytes(random);
        BytesValue received = await connection.CallAsync(Echo, sent);
        Expect(received.Equals(sent));
    }

    private static async Task GiveUpAsync(RpcConnection connection, CancellationTokenSource source, Random random)
    {
        bool byToken = random.Next(2) == 0;
        RpcCallOptions options = byToken
            ? new() { CancellationToken = source.Token }
            : new() { Timeout = TimeSpan.FromMilliseconds(random.Next(1, 10)) };
        Task<Int32Value> call = connection.CallAsync(Slow, new Int32Value { Value = 100_000 }, options).AsTask();
        if (byToken)
        {
            await Task.Yield();
            await source.CancelAsync();
        }

        await call;
    }

    private static async Task CountAsync(RpcConnection connection, Random random)
    {
        int last = random.Next(1, 2000);
        using RpcServerStreamingCall<Int32Value> call = connection.StartServerStream(CountUp, new Int32Value { Value = last });
        int expected = 0;
        while (await call.Replies.MoveNextAsync())
        {
            Expect(call.Replies.Current.Value == ++expected);
        }

        Expect(expected == last);
    }

    private static async Task SumAsync(RpcConnection connection, Random random)
    {
        int sum = 0;
        using RpcClientStreamingCall<Int32Value, Int32Value> call = connection.StartClientStream(Sum);
        try
        {
            for (int i = random.Next(1000); i > 0; i--)
            {
                sum += i;
                await call.Requests.WriteAsync(new Int32Value { Value = i });
            }

            await call.Requests.CompleteAsync();
        }
        catch (RpcException)
        {
            // The call has ended before its requests: the reply says why.
        }

        Expect((await call.ReplyAsync).Value == sum);
    }

    private static async Task MirrorAsync(RpcConnection connection, Random random)
    {
        using RpcDuplexStreamingCall<BytesValue, BytesValue> call = connection.StartDuplexStream(Mirror);
        for (int i = random.Next(1, 20); i > 0; i--)
        {
            BytesValue sent = Bytes(random);
            try
            {
                await call.Requests.WriteAsync(sent);
            }
            catch (RpcException)
            {
                // As above.
            }

            Expect(await call.Replies.MoveNextAsync() && call.Replies.Current.Equals(sent));
        }

        await call.Requests.CompleteAsync();
        Expect(!await call.Replies.MoveNextAsync());
    }

    private static async Task LeaveEarlyAsync(RpcConnection connection, Random random)
    {
        using RpcServerStreamingCall<Int32Value> call = connection.StartServerStream(CountUp, new Int32Value { Value = int.MaxValue });
        for (int i = random.Next(100); i > 0; i--)
        {
            Expect(await call.Replies.MoveNextAsync());
        }
    }

    private static BytesValue Bytes(Random random)
    {
        byte[] bytes = new byte[random.Next(10) == 0 ? random.Next(LongestEcho) : random.Next(200)];
        random.NextBytes(bytes);
        return new BytesValue { Value = UnsafeByteOperations.UnsafeWrap(bytes) };
    }

    private static void Expect(bool isAsExpected)
    {
        if (!isAsExpected)
        {
            throw new InvalidOperationException("A reply is not what was asked for.");
        }
    }
}
