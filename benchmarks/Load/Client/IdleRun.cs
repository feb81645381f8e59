using System.Diagnostics;
using System.Net.Sockets;
using Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;
using Kestrel.Rpc.Benchmarks.Load.Client.Loops;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Client;

/// <summary>
/// What an idle connection costs: connect, exchange one message of 64 bytes, leave the connection open; so many times. The server's
/// memory is read before the first and, at once, after the last. <see cref="Wave"/> connections are under way at a time.
/// </summary>
internal sealed class IdleRun(LoadSettings settings)
{
    /// <summary>Few, so that no server keeps memory of a rush that idle connections have no need of; enough to keep it busy.</summary>
    private const int Wave = 64;

    /// <summary>A server that does not answer fails the run.</summary>
    private const int AnswerMilliseconds = 10_000;

    private readonly byte[] _input = new byte[EchoExchange.MessageSize];
    private readonly byte[] _output = new byte[EchoExchange.MessageSize];

    /// <summary>Warms up with waves that end, then opens all connections.</summary>
    /// <param name="measuring">Called before the memory is read for the first time.</param>
    /// <param name="measured">Called at the end, while the connections are still open.</param>
    public void Run(Action measuring, Action<LoadResult> measured)
    {
        WarmUp(Stopwatch.GetTimestamp() + (long)(settings.Warmup.TotalSeconds * Stopwatch.Frequency));
        measuring();
        var connections = new List<Socket>(settings.Connections);
        try
        {
            var tally = new Tally();
            ServerUsage before = ServerUsage.Take(settings);
            MemoryUse? memoryBefore = TakeMemory();
            double client = ProcessProbe.CpuSeconds(Environment.ProcessId);
            long began = Stopwatch.GetTimestamp();
            while (connections.Count < settings.Connections)
            {
                Open(connections, Math.Min(Wave, settings.Connections - connections.Count), tally);
            }

            TimeSpan took = Stopwatch.GetElapsedTime(began);
            MemoryUse? memoryAfter = TakeMemory();
            client = ProcessProbe.CpuSeconds(Environment.ProcessId) - client;
            measured(LoadResult.Of(tally, took, client, before, ServerUsage.Take(settings)) with
            {
                MemoryBefore = memoryBefore,
                MemoryAfter = memoryAfter,
            });
        }
        finally
        {
            connections.ForEach(connection => connection.Dispose());
        }
    }

    private MemoryUse? TakeMemory() => settings.ServerProcess is { } pid ? MemoryProbe.Of(pid) : null;

    private void WarmUp(long end)
    {
        var tally = new Tally();
        do
        {
            var wave = new List<Socket>(Wave);
            Open(wave, Wave, tally);
            wave.ForEach(socket => socket.Shutdown(SocketShutdown.Send));
            foreach (Socket socket in wave)
            {
                // Its FIN: then the server is done with the connection.
                if (socket.Receive(_input) != 0)
                {
                    throw new LoadException("the server sent more than it received");
                }

                socket.Dispose();
            }
        }
        while (Stopwatch.GetTimestamp() < end);
    }

    private void Open(List<Socket> connections, int count, Tally tally)
    {
        int first = connections.Count;
        var exchanges = new EchoExchange[count];
        for (int i = 0; i < count; i++)
        {
            Socket socket = LoopbackSocket.Create();
            connections.Add(socket);
            socket.ReceiveTimeout = AnswerMilliseconds;
            LoopbackSocket.Connect(socket, settings.Port, first + i);
            exchanges[i] = new EchoExchange(first + i);
            int length = exchanges[i].Begin(_output, Stopwatch.GetTimestamp());
            if (socket.Send(_output.AsSpan(0, length)) != length)
            {
                throw new LoadException("a new connection took less than one message");
            }
        }

        for (int i = 0; i < count; i++)
        {
            int received = 0;
            do
            {
                int more = connections[first + i].Receive(_input.AsSpan(received));
                received += more > 0 ? more : throw new LoadException($"connection {first + i} was closed by the server");
            }
            while (received < _input.Length);

            // Compares it; the next message, which it writes, is not sent.
            exchanges[i].Advance(_input, _output, Stopwatch.GetTimestamp(), tally, out _);
        }
    }
}
