using System.Globalization;
using System.Net;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kestrel.Rpc.Benchmarks.Load.Serve;

/// <summary>One server with one workload on one transport, as an application would set it up.</summary>
internal static class LoadServer
{
    private static readonly byte[] Text = "Hello, World!"u8.ToArray();

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
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, settings.Port, listen => Shape(listen, settings.Workload));
        });
        WebApplication app = builder.Build();
        if (settings.Workload == Workload.Http)
        {
            app.Map("/{**path}", Answer);
        }

        return app;
    }

    private static void Shape(ListenOptions listen, Workload workload)
    {
        switch (workload)
        {
            case Workload.Echo:
                listen.UseConnectionHandler<EchoHandler>();
                break;
            case Workload.Http:
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(workload));
        }
    }

    private static Task Answer(HttpContext context)
    {
        HttpResponse response = context.Response;
        response.ContentType = "text/plain";
        response.ContentLength = Text.Length;
        return response.Body.WriteAsync(Text, 0, Text.Length);
    }
}
