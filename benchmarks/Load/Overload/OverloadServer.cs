using System.Globalization;
using System.Net;
using Hello;
using Kestrel.Rpc.Benchmarks.Load.Serve;
using Kestrel.Rpc.Benchmarks.Load.Workloads;
using Kestrel.Rpc.Middleware;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Benchmarks.Load.Overload;

/// <summary>The server: one method that can do only so much, with the adaptive limit or without.</summary>
internal static class OverloadServer
{
    private const int Places = 16;
    private static readonly TimeSpan TimeInPlace = TimeSpan.FromMilliseconds(5);

    /// <summary>Prints <c>port N</c> and <c>ready</c> when it listens; returns after SIGTERM.</summary>
    public static async Task RunAsync(TransportKind transport, OverloadWork work, bool isLimited)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        Transports.Use(builder.WebHost, new ServeSettings(Workload.Rpc2, transport, Scheduling.Pool, Polling: false, Port: 0, Loops: null, Controlled: false));
        builder.Services.AddRpc(options => options.Limits.Calls.Adaptive = isLimited ? new RpcAdaptiveConcurrencyOptions() : null);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseRpc()));
        await using WebApplication app = builder.Build();
        using SemaphoreSlim places = new(Places);
        if (work == OverloadWork.Wait)
        {
            app.MapRpc("helloworld/Hello", async (HelloRequest request) =>
            {
                await places.WaitAsync();
                try
                {
                    await Task.Delay(TimeInPlace);
                }
                finally
                {
                    places.Release();
                }

                return new HelloReply { Msg = "Hello " + request.Msg };
            });
        }
        else
        {
            ComputedWork computed = ComputedWork.Of(TimeSpan.FromMilliseconds(1));
            app.MapRpc("helloworld/Hello", (HelloRequest request) =>
            {
                computed.Run();
                return new HelloReply { Msg = "Hello " + request.Msg };
            });
        }

        await app.StartAsync();
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"port {new Uri(app.Urls.Single()).Port}"));
        Console.Out.WriteLine("ready");
        await app.WaitForShutdownAsync();
    }
}
