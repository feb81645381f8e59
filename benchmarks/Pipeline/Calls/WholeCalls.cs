using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Middleware;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Benchmarks.Pipeline.Calls;

/// <summary>
/// What a call costs the server alone, from the bytes of its request to those of its reply: 64 in each read, inline, no sockets, one thread. Variants take turns in short
/// rounds, and the fastest rounds say what the code takes; a machine that does something else makes others slower.
/// </summary>
/// <param name="version">Of the protocol.</param>
/// <param name="seconds">For each variant.</param>
internal sealed class WholeCalls(int version, double seconds)
{
    private const int Batch = 64;
    private const int BatchesARound = 400; // some 3 ms
    private const int Turns = 20;

    private readonly List<(string Name, Func<IDisposable?> Listen, List<double> Rounds)> _variants = [];

    /// <summary>Adds a variant.</summary>
    /// <param name="name">In the report.</param>
    /// <param name="listen">Begins to listen, until what it returns is disposed of.</param>
    public void Add(string name, Func<IDisposable?> listen) => _variants.Add((name, listen, []));

    public async Task RunAsync(TextWriter report)
    {
        MemoryListener listener = new();
        await using WebApplication app = Build(listener);
        await app.StartAsync();
        IDuplexPipe client = await listener.ConnectAsync();
        (byte[] define, byte[] requests) = version == 1 ? ([], Version1()) : (Version2(1, named: true), Version2Batch());
        int replyLength = Prepare(client, define, requests);
        Stopwatch clock = Stopwatch.StartNew();
        double each = seconds / Turns;
        Dictionary<string, long> allocated = [];
        for (int turn = 0; turn < Turns; turn++)
        {
            // Every other turn goes backwards, so that a drift of the machine hits all alike.
            foreach ((string name, Func<IDisposable?> listen, List<double> rounds) in turn % 2 == 0 ? _variants : _variants.AsEnumerable().Reverse())
            {
                using IDisposable? listening = listen();
                Round(client, requests, replyLength);
                double end = clock.Elapsed.TotalSeconds + each;
                long before = GC.GetAllocatedBytesForCurrentThread();
                int calls = 0;
                do
                {
                    rounds.Add(Round(client, requests, replyLength));
                    calls += Batch * BatchesARound;
                }
                while (clock.Elapsed.TotalSeconds < end);
                allocated[name] = (GC.GetAllocatedBytesForCurrentThread() - before) / calls;
            }
        }

        double first = Quantile(_variants[0].Rounds, 0.1);
        foreach ((string name, _, List<double> rounds) in _variants)
        {
            report.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"version {version}, {name}: {Quantile(rounds, 0.1):F1} ns a call ({Quantile(rounds, 0.1) / first:F3}), median {Quantile(rounds, 0.5):F1}, fastest {rounds.Min():F1}; {allocated[name]} bytes; {rounds.Count} rounds"));
        }

        await client.Output.CompleteAsync();
        await app.StopAsync();
    }

    private static WebApplication Build(MemoryListener listener)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.RemoveAll<IConnectionListenerFactory>();
        builder.Services.AddSingleton<IConnectionListenerFactory>(listener);
        builder.Services.AddRpc(options => options.Scheduling = RpcScheduling.Inline);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 1, listen => listen.UseRpc()));
        WebApplication app = builder.Build();
        Empty reply = new();
        app.MapRpc("benchmark/Call", (Empty _) => reply);
        return app;
    }

    // The first calls are served by the thread that has accepted the connection; once it waits for more, the others are served in place. They tell how long replies are.
    private static int Prepare(IDuplexPipe client, byte[] define, byte[] requests)
    {
        int length = 0;
        for (int i = 0; i < 20_000; i++)
        {
            Send(client, i == 0 && define.Length > 0 ? define : requests);
            bool isInPlace = client.Input.TryRead(out ReadResult read);
            SpinWait wait = default;
            while (!isInPlace && !client.Input.TryRead(out read))
            {
                wait.SpinOnce();
            }

            length = (int)read.Buffer.Length;
            client.Input.AdvanceTo(read.Buffer.End);
            if (!isInPlace)
            {
                Thread.Sleep(20); // nothing tells that it waits
            }
        }

        return length;
    }

    private static void Send(IDuplexPipe client, byte[] bytes)
    {
        ValueTask<FlushResult> written = client.Output.WriteAsync(bytes);
        if (!written.IsCompletedSuccessfully)
        {
            throw new InvalidOperationException("A pipe without a bound has one.");
        }
    }

    /// <returns>Nanoseconds a call.</returns>
    private static double Round(IDuplexPipe client, byte[] requests, int replyLength)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < BatchesARound; i++)
        {
            Send(client, requests);
            if (!client.Input.TryRead(out ReadResult read) || read.Buffer.Length != replyLength)
            {
                throw new InvalidOperationException("The calls were not all served in place.");
            }

            client.Input.AdvanceTo(read.Buffer.End);
        }

        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / (Batch * BatchesARound);
    }

    private static byte[] Version1()
    {
        ArrayBufferWriter<byte> output = new();
        byte[] protocolData = RpcMethodName.Parse("benchmark/Call").ProtocolData.ToArray();
        for (uint id = 1; id <= Batch; id++)
        {
            RpcFrameHeader header = new(RpcFrameHeader.Version1, RpcFrameType.Request, id, (uint)protocolData.Length, 0);
            header.Write(output.GetSpan(RpcFrameHeader.Size));
            output.Advance(RpcFrameHeader.Size);
            output.Write(protocolData);
        }

        return output.WrittenSpan.ToArray();
    }

    private static byte[] Version2Batch() => [.. Enumerable.Range(2, Batch).SelectMany(id => Version2((uint)id, named: false))];

    private static byte[] Version2(uint id, bool named)
    {
        ArrayBufferWriter<byte> output = new();
        RpcMethodReference method = named ? new RpcMethodReference(1, Encoding.UTF8.GetBytes("benchmark/Call")) : new RpcMethodReference(1);
        RpcCallFrameWriter.Write(
            output, RpcFrameType.Request, id, method, new RpcCallHeader { Flags = RpcCallBits.End }, ReadOnlySequence<byte>.Empty,
            RpcFrameRules.DefaultVersion2Limits);
        return output.WrittenSpan.ToArray();
    }

    private static double Quantile(List<double> rounds, double q) => rounds.Order().ElementAt((int)(rounds.Count * q));
}
