using System.Diagnostics;
using System.Net;
using Hello;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Serve;
using Kestrel.Rpc.Benchmarks.Load.Workloads;
using Kestrel.Rpc.Middleware;
using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Benchmarks.Load.InProcess;

/// <summary>One measurement: Kestrel and its clients in this process, set up as an application would.</summary>
internal static class InProcessRun
{
    public static async Task<InProcessResult> RunAsync(InProcessVariant variant, InProcessSettings settings, CancellationToken cancellationToken)
    {
        Workload workload = settings.Workloads[0];
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
        for (int i = 0; i < settings.Connections[0]; i++)
        {
            var state = new ClientState();
            clients.Add(state);
            running.Add(await InProcessClient.StartAsync(variant, workload, endPoint, state, end.Token));
        }

        await Task.WhenAny(Task.WhenAll(running), Task.Delay(settings.Warmup, cancellationToken));
        Snapshot before = Snapshot.Take(clients, measure: true);
        await Task.WhenAny(Task.WhenAll(running), Task.Delay(settings.Window, cancellationToken));
        Snapshot after = Snapshot.Take(clients, measure: false);
        await end.CancelAsync();
        await Task.WhenAll(running).WaitAsync(TimeSpan.FromSeconds(10), cancellationToken); // throws what a client met
        await app.StopAsync(cancellationToken);

        long requests = after.Requests - before.Requests;
        if (requests == 0)
        {
            throw new LoadException($"{variant} answered nothing in {settings.Window.TotalSeconds} s");
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
