using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Work that comes from other threads wakes a sleeping loop, every time.</summary>
internal static class WakeUpChecks
{
    /// <summary>
    /// Every answer is written by a thread of its own, while the loop is about to sleep. Each round trip needs a wake-up:
    /// one that is lost stops its connection for good.
    /// </summary>
    public static async Task OffLoopRoundTripsAsync(TransportVariant transport)
    {
        const int Threads = 3;
        using var work = new BlockingCollection<Answer>(boundedCapacity: 1000);
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(seed => new Thread(() => WriteAnswers(work, seed)) { IsBackground = true })];
        Array.ForEach(threads, thread => thread.Start());
        try
        {
            await RoundTripsAsync(transport, work);
        }
        finally
        {
            work.CompleteAdding();
            Array.ForEach(threads, thread => thread.Join());
        }
    }

    private static async Task RoundTripsAsync(TransportVariant transport, BlockingCollection<Answer> work)
    {
        const int Connections = 8;
        const int RoundTrips = 1500;
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            PipeReader input = connection.Transport.Input;
            while (true)
            {
                ReadResult result = await input.ReadAtLeastAsync(sizeof(long));
                if (result.Buffer.Length < sizeof(long))
                {
                    return;
                }

                long value = BinaryPrimitives.ReadInt64LittleEndian(result.Buffer.FirstSpan);
                input.AdvanceTo(result.Buffer.GetPosition(sizeof(long)));
                var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                work.Add(new Answer(connection.Transport.Output, value, done));
                await done.Task;
            }
        });
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(id => Task.Run(async () =>
        {
            using TestClient client = await server.ConnectAsync();
            byte[] message = new byte[sizeof(long)];
            for (int i = 0; i < RoundTrips; i++)
            {
                BinaryPrimitives.WriteInt64LittleEndian(message, ((long)id << 32) + i);
                await client.SendAsync(message);
                Assert.Equal(message, await client.ReceiveExactAsync(sizeof(long)));
            }

            client.Fin();
            await client.ReceiveEndAsync();
        }))).Limited();
        await server.StopAsync();
    }

    /// <summary>Many threads write and flush into the same connections, in turn, without waiting for each other's flush.</summary>
    public static async Task FlushesFromManyThreadsAsync(TransportVariant transport)
    {
        const int Connections = 4;
        const int Threads = 4;
        const int Messages = 2000;
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            // A pipe has one writer at a time, so the threads take turns; the flush of one ends in the turn of another.
            using var turn = new SemaphoreSlim(1);
            long position = 0;
            await Task.WhenAll(Enumerable.Range(0, Threads).Select(_ => Task.Run(async () =>
            {
                for (int i = 0; i < Messages; i++)
                {
                    await turn.WaitAsync();
                    ValueTask<FlushResult> flush;
                    try
                    {
                        int length = 1 + (i % 300);
                        Payload.Fill(connection.Transport.Output.GetSpan(length)[..length], seed: 9, position);
                        connection.Transport.Output.Advance(length);
                        position += length;
                        flush = connection.Transport.Output.FlushAsync();
                        if (!flush.IsCompleted)
                        {
                            await flush;
                        }
                    }
                    finally
                    {
                        turn.Release();
                    }
                }
            })));
        });
        long total = Threads * Enumerable.Range(0, Messages).Sum(i => 1L + (i % 300));
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => Task.Run(async () =>
        {
            using TestClient client = await server.ConnectAsync();
            await client.ReceivePayloadAsync(seed: 9, total);
            await client.ReceiveEndAsync();
        }))).Limited();
        await server.StopAsync();
    }

    /// <summary>With the pool as scheduler, handlers that block delay nobody but themselves.</summary>
    public static async Task BlockedHandlersDelayNobodyAsync(TransportVariant transport)
    {
        const int Blocked = 4;
        using var release = new ManualResetEventSlim();
        int entered = 0;
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            ReadResult first = await connection.Transport.Input.ReadAsync();
            bool block = first.Buffer.FirstSpan[0] == 1;
            connection.Transport.Input.AdvanceTo(first.Buffer.GetPosition(1));
            if (block)
            {
                Interlocked.Increment(ref entered);
                Assert.True(release.Wait(TimeLimit.Current));
            }

            await Handlers.EchoAsync(connection);
        });
        var blocked = new List<TestClient>();
        for (int i = 0; i < Blocked; i++)
        {
            blocked.Add(await server.ConnectAsync());
            await blocked[i].SendAsync(new byte[] { 1 });
        }

        await Eventually.TrueAsync(() => Volatile.Read(ref entered) == Blocked);
        for (int i = 0; i < 8; i++)
        {
            using TestClient other = await server.ConnectAsync();
            await other.SendAsync(new byte[] { 2 });
            await other.EchoAsync(seed: i, 100_000);
            other.Fin();
            await other.ReceiveEndAsync();
        }

        Assert.Equal(Blocked, Volatile.Read(ref entered));
        release.Set();
        foreach (TestClient client in blocked)
        {
            await client.EchoAsync(seed: 1, 1000);
            client.Fin();
            await client.ReceiveEndAsync();
            client.Dispose();
        }

        await server.StopAsync();
    }

    private static void WriteAnswers(BlockingCollection<Answer> work, int seed)
    {
        var random = new Random(seed);
        foreach ((PipeWriter output, long value, TaskCompletionSource done) in work.GetConsumingEnumerable())
        {
            // A different distance to the moment in which the loop falls asleep, each time.
            Thread.SpinWait(random.Next(0, 2000));
            BinaryPrimitives.WriteInt64LittleEndian(output.GetSpan(sizeof(long)), value);
            output.Advance(sizeof(long));
            output.FlushAsync().AsTask().ContinueWith(
                (flush, state) =>
                {
                    var source = (TaskCompletionSource)state!;
                    if (flush.Exception is { } error)
                    {
                        source.SetException(error.InnerExceptions);
                    }
                    else
                    {
                        source.SetResult();
                    }
                },
                done,
                TaskScheduler.Default);
        }
    }

    private sealed record Answer(PipeWriter Output, long Value, TaskCompletionSource Done);
}
