using System.Globalization;
using System.Net;
using Hello;
using Kestrel.Rpc.Benchmarks.Load.Workloads;
using Kestrel.Rpc.Middleware;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kestrel.Rpc.Benchmarks.Load.Serve;

/// <summary>One server with one workload on one transport, as an application would set it up.</summary>
internal static class LoadServer
{
    /// <summary>Prints <c>port N</c> and <c>ready</c> when it listens; returns after SIGTERM or Ctrl+C, which the host handles.</summary>
    public static async Task RunAsync(ServeSettings settings)
    {
        await using WebApplication app = Build(settings);
        await app.StartAsync();
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"port {new Uri(app.Urls.Single()).Port}"));
        Console.Out.WriteLine("ready");
        if (settings.Controlled)
        {
            ControlChannel.Start(app.Lifetime.StopApplication);
        }

        await app.WaitForShutdownAsync();
    }

    private static WebApplication Build(ServeSettings settings)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        Transports.Use(builder.WebHost, settings);
        if (settings.Workload is Workload.Rpc or Workload.Rpc2)
        {
            builder.Services.AddRpc(options => options.Scheduling = settings.Scheduling == Scheduling.Inline ? RpcScheduling.Inline : RpcScheduling.ThreadPool);
        }

        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, settings.Port, listen => Shape(listen, settings.Workload));
        });
        WebApplication app = builder.Build();
        Map(app, settings.Workload);
        return app;
    }

    private static void Shape(ListenOptions listen, Workload workload)
    {
        switch (workload)
        {
            case Workload.Echo:
            case Workload.Connect:
            case Workload.Idle:
            case Workload.PingPong:
            case Workload.PingPongSpin:
            case Workload.Dial:
                listen.UseConnectionHandler<EchoHandler>();
                break;
            case Workload.Http:
            case Workload.Upload:
            case Workload.Download:
                break;
            case Workload.Rpc or Workload.Rpc2:
                listen.UseRpc();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(workload));
        }
    }

    private static void Map(WebApplication app, Workload workload)
    {
        switch (workload)
        {
            case Workload.Echo:
            case Workload.Connect:
            case Workload.Idle:
            case Workload.PingPong:
            case Workload.PingPongSpin:
            case Workload.Dial:
                break;
            case Workload.Http:
                app.Map("/{**path}", HttpAnswers.TextAsync);
                break;
            case Workload.Upload:
                app.MapPost("/upload", HttpAnswers.CountAsync);
                break;
            case Workload.Download:
                app.MapGet("/download", HttpAnswers.BulkAsync);
                break;
            case Workload.Rpc or Workload.Rpc2:
                app.MapRpc("helloworld/Hello", (HelloRequest request) => new HelloReply { Msg = "Hello " + request.Msg });
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(workload));
        }
    }
}
