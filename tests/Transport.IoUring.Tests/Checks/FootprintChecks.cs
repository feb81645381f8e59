using System.Diagnostics;
using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>What a transport takes that has nothing to do, and how deep its callbacks go. Each runs alone in its process.</summary>
internal static class FootprintChecks
{
    /// <summary>Open connections that are silent wake nobody: no polling, no timer that ticks.</summary>
    public static async Task IdleTransportSleepsAsync(TransportVariant transport)
    {
        const int MaxSwitches = 10;
        HashSet<int> before = ProcessFacts.Threads();
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync);
        using TestClient first = await server.ConnectAsync();
        using TestClient second = await server.ConnectAsync();
        await first.EchoAsync(seed: 1, 1000);
        await second.EchoAsync(seed: 2, 1000);

        // The runtime's own threads come and go; a thread of a transport has another name, except that Sockets uses one of .NET.
        int[] threads = [.. ProcessFacts.Threads().Where(IsOfTransport)];
        Assert.NotEmpty(threads);
        long least = long.MaxValue;
        for (int i = 0; i < 6 && least > MaxSwitches; i++)
        {
            using var window = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
            long start = ProcessFacts.Switches(threads);
            await window.WaitForNextTickAsync();
            least = Math.Min(least, ProcessFacts.Switches(threads) - start);
        }

        Assert.True(least <= MaxSwitches, $"An idle transport woke up {least} times in half a second.");
        await first.EchoAsync(seed: 3, 1000);
        first.Fin();
        second.Fin();
        await server.StopAsync();

        bool IsOfTransport(int thread)
        {
            string name = ProcessFacts.ThreadName(thread);
            return name == ".NET Sockets" || (!before.Contains(thread) && name.Length > 0 && !name.StartsWith(".NET ", StringComparison.Ordinal));
        }
    }

    /// <summary>A started transport maps less than 64 MiB a loop, without the stacks of its threads.</summary>
    public static async Task MappedMemoryIsBoundedAsync(TransportVariant transport)
    {
        const long Stack = 9 * 1024 * 1024; // 8 MiB, what the loader adds to it, and room for rounding
        const long MaxPerLoop = 64 * 1024 * 1024;
        await ServeAsync(); // loads all code and lets the heap grow
        long mappedBefore = ProcessFacts.MappedBytes();
        int threadsBefore = ProcessFacts.Threads().Count;
        await ServeAsync(() =>
        {
            int threads = Math.Max(0, ProcessFacts.Threads().Count - threadsBefore);
            long grown = ProcessFacts.MappedBytes() - mappedBefore - (threads * Stack);
            Assert.True(grown < transport.Loops * MaxPerLoop, $"The transport mapped {grown / 1024 / 1024} MiB for {transport.Loops} loops.");
        });

        async Task ServeAsync(Action? measure = null)
        {
            await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync);
            for (int i = 0; i < 10; i++)
            {
                using TestClient client = await server.ConnectAsync();
                await client.EchoAsync(seed: i, 100_000);
                client.Fin();
                await client.ReceiveEndAsync();
            }

            measure?.Invoke();
            await server.StopAsync();
        }
    }

    /// <summary>Thousands of messages that are there already do not nest: the stack of a handler stays as deep as it was.</summary>
    public static async Task PipeliningDoesNotNestAsync(TransportVariant transport)
    {
        const int Messages = 20_000;
        const int MaxFrames = 200;
        int deepest = 0;
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            PipeReader input = connection.Transport.Input;
            PipeWriter output = connection.Transport.Output;
            for (int i = 0; i < Messages; i++)
            {
                ReadResult result = await input.ReadAsync();
                output.GetSpan(1)[0] = result.Buffer.FirstSpan[0];
                output.Advance(1);
                input.AdvanceTo(result.Buffer.GetPosition(1));
                await output.FlushAsync();
                if (i % 20 == 0)
                {
                    deepest = Math.Max(deepest, new StackTrace(fNeedFileInfo: false).FrameCount);
                }
            }
        });
        using TestClient client = await server.ConnectAsync();
        Task sending = client.SendPayloadAsync(seed: 1, Messages, maxPiece: 3000);
        await client.ReceivePayloadAsync(seed: 1, Messages);
        await sending;
        await client.ReceiveEndAsync();
        await server.StopAsync();
        Assert.True(deepest < MaxFrames, $"The handler ran {deepest} frames deep.");
    }
}
