using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Hello;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Client;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Serve;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Middleware;
using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Benchmarks.Load.InProcess;

/// <summary>One measurement: Kestrel and its clients in this process, set up as an application would.</summary>
internal static class InProcessRun
{
    private const int EchoSize = 64;

    public static async Task<InProcessResult> RunAsync(
        InProcessVariant variant, Workload workload, int connections, TimeSpan warmup, TimeSpan window, CancellationToken cancellationToken)
    {
        if (variant is { InProcess: false, Inline: true })
        {
            // The runtime reads it when it makes its first asynchronous socket.
            Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
        }

        await using WebApplication app = Build(variant, workload);
        await app.StartAsync(cancellationToken);
        EndPoint endPoint = variant.InProcess ? new InProcessEndPoint("load") : new IPEndPoint(IPAddress.Loopback, new Uri(app.Urls.Single()).Port);

        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var clients = new List<ClientState>();
        var running = new List<Task>();
        for (int i = 0; i < connections; i++)
        {
            var state = new ClientState();
            clients.Add(state);
            running.Add(await StartAsync(variant, workload, endPoint, state, end.Token));
        }

        await Task.WhenAny(Task.WhenAll(running), Task.Delay(warmup, cancellationToken));
        Snapshot before = Snapshot.Take(clients, measure: true);
        await Task.WhenAny(Task.WhenAll(running), Task.Delay(window, cancellationToken));
        Snapshot after = Snapshot.Take(clients, measure: false);
        await end.CancelAsync();
        await Task.WhenAll(running).WaitAsync(TimeSpan.FromSeconds(10), cancellationToken); // throws what a client met
        await app.StopAsync(cancellationToken);

        long requests = after.Requests - before.Requests;
        if (requests == 0)
        {
            throw new LoadException($"{variant} answered nothing in {window.TotalSeconds} s");
        }

        var latencies = new LatencyHistogram();
        clients.ForEach(client => client.AddTo(latencies));
        return new InProcessResult(
            (after.Cpu - before.Cpu) * 1e6 / requests,
            requests / Stopwatch.GetElapsedTime(before.Time, after.Time).TotalSeconds,
            latencies.Quantile(0.5) / 1000,
            latencies.Quantile(0.99) / 1000,
            (double)(after.Allocated - before.Allocated) / requests);
    }

    private static WebApplication Build(InProcessVariant variant, Workload workload)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (variant.InProcess)
        {
            builder.WebHost.UseInProcess(options => options.Scheduling = variant.Inline ? InProcessScheduling.Inline : InProcessScheduling.ThreadPool);
        }
        else
        {
            builder.WebHost.UseSockets(options => options.UnsafePreferInlineScheduling = variant.Inline);
        }

        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(
            variant.InProcess ? new InProcessEndPoint("load") : new IPEndPoint(IPAddress.Loopback, 0),
            listen => _ = workload == Workload.Rpc ? listen.UseRpc() : listen.UseConnectionHandler<EchoHandler>()));
        if (workload == Workload.Rpc)
        {
            builder.Services.AddRpc(options => options.Scheduling = variant.Inline ? RpcScheduling.Inline : RpcScheduling.ThreadPool);
        }

        WebApplication app = builder.Build();
        if (workload == Workload.Rpc)
        {
            app.MapRpc("helloworld/Hello", (HelloRequest request) => new HelloReply { Msg = "Hello " + request.Msg });
        }

        return app;
    }

    private static async Task<Task> StartAsync(
        InProcessVariant variant, Workload workload, EndPoint endPoint, ClientState state, CancellationToken end)
    {
        if (workload == Workload.Rpc)
        {
            RpcConnection connection = variant.InProcess
                ? await RpcConnection.ConnectAsync(InProcessNetwork.Default, endPoint, cancellationToken: end)
                : await RpcConnection.ConnectAsync(endPoint, cancellationToken: end);
            return Task.Run(() => CallAsync(connection, state, end), CancellationToken.None);
        }

        if (variant.InProcess)
        {
            ConnectionContext connection = await InProcessNetwork.Default.ConnectAsync(endPoint, end);
            return Task.Run(() => EchoAsync(connection, state, end), CancellationToken.None);
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(endPoint, end);
        return Task.Run(() => EchoAsync(socket, state, end), CancellationToken.None);
    }

    private static async Task CallAsync(RpcConnection connection, ClientState state, CancellationToken end)
    {
        await using (connection)
        {
            var request = new HelloRequest { Msg = "world" };
            while (!end.IsCancellationRequested)
            {
                long start = Stopwatch.GetTimestamp();
                HelloReply reply = await connection.CallAsync<HelloRequest, HelloReply>("helloworld", "Hello", request, CancellationToken.None);
                state.Count(start, reply.Msg == "Hello world");
            }
        }
    }

    private static async Task EchoAsync(ConnectionContext connection, ClientState state, CancellationToken end)
    {
        await using (connection)
        {
            PipeReader input = connection.Transport.Input;
            byte[] message = new byte[EchoSize];
            while (!end.IsCancellationRequested)
            {
                long start = Stopwatch.GetTimestamp();
                message[0]++;
                await connection.Transport.Output.WriteAsync(message, CancellationToken.None);
                ReadResult read = await input.ReadAtLeastAsync(EchoSize, CancellationToken.None);
                bool right = read.Buffer.Length == EchoSize && read.Buffer.FirstSpan.SequenceEqual(message);
                input.AdvanceTo(read.Buffer.End);
                state.Count(start, right);
            }
        }
    }

    private static async Task EchoAsync(Socket socket, ClientState state, CancellationToken end)
    {
        using (socket)
        {
            byte[] message = new byte[EchoSize];
            byte[] reply = new byte[EchoSize];
            while (!end.IsCancellationRequested)
            {
                long start = Stopwatch.GetTimestamp();
                message[0]++;
                await socket.SendAsync(message, CancellationToken.None);
                int filled = 0;
                while (filled < EchoSize)
                {
                    int count = await socket.ReceiveAsync(reply.AsMemory(filled), CancellationToken.None);
                    filled = count > 0 ? filled + count : throw new LoadException("the server closed the connection");
                }

                state.Count(start, reply.AsSpan().SequenceEqual(message));
            }
        }
    }

    /// <summary>What one client has done. Its own thread writes it.</summary>
    private sealed class ClientState
    {
        private readonly List<long> _latencies = new(capacity: 1 << 16);
        private long _requests;
        private volatile bool _measuring;

        public long Requests => Volatile.Read(ref _requests);

        public bool Measuring
        {
            set => _measuring = value;
        }

        public void Count(long start, bool right)
        {
            if (!right)
            {
                throw new LoadException("a reply was wrong");
            }

            Volatile.Write(ref _requests, _requests + 1);

            // The first of the window are enough, and a list that is full grows no more.
            if (_measuring && _latencies.Count < _latencies.Capacity)
            {
                _latencies.Add((long)Stopwatch.GetElapsedTime(start).TotalNanoseconds);
            }
        }

        public void AddTo(LatencyHistogram histogram) => _latencies.ForEach(histogram.Record);
    }

    private readonly record struct Snapshot(long Time, double Cpu, long Requests, long Allocated)
    {
        public static Snapshot Take(List<ClientState> clients, bool measure)
        {
            clients.ForEach(client => client.Measuring = measure);
            return new Snapshot(
                Stopwatch.GetTimestamp(),
                ProcessProbe.CpuSeconds(Environment.ProcessId),
                clients.Sum(client => client.Requests),
                GC.GetTotalAllocatedBytes());
        }
    }
}
