using System.Globalization;
using System.Net;
using Hello;
using Kestrel.Rpc.Benchmarks.Load.Serve;
using Kestrel.Rpc.Benchmarks.Load.Workloads;
using Kestrel.Rpc.Middleware;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Benchmarks.Load.Fairness;

/// <summary>The server: the method that is measured, one that takes long messages, one that blocks.</summary>
internal static class FairnessServer
{
    public const string LongMethod = "load/Long";
    public const string StuckMethod = "load/Stuck";

    private const int LongestMessage = 32 * 1024 * 1024;

    /// <summary>Prints <c>port N</c> and <c>ready</c> when it listens; returns after SIGTERM.</summary>
    public static async Task RunAsync(TransportKind transport, Scheduling scheduling)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        Transports.Use(builder.WebHost, new ServeSettings(Workload.Rpc2, transport, scheduling, Polling: false, Port: 0, Loops: null, Controlled: false));
        builder.Services.AddRpc(options =>
        {
            options.Scheduling = scheduling == Scheduling.Inline ? RpcScheduling.Inline : RpcScheduling.ThreadPool;
            options.Limits.MaxBodyLength = LongestMessage;
        });
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseRpc()));
        await using WebApplication app = builder.Build();
        app.MapRpc("helloworld/Hello", (HelloRequest request) => new HelloReply { Msg = "Hello " + request.Msg });
        app.MapRpc(LongMethod, (UnreadMessage _) => new HelloReply { Msg = "taken" });
        app.MapRpc(StuckMethod, Block).WithScheduling(RpcScheduling.ThreadPool); // also where the others run inline: it blocks
        await app.StartAsync();
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"port {new Uri(app.Urls.Single()).Port}"));
        Console.Out.WriteLine("ready");
        await app.WaitForShutdownAsync();
    }

    private static HelloReply Block(UnreadMessage request, CancellationToken cancellationToken)
    {
        cancellationToken.WaitHandle.WaitOne();
        return new HelloReply();
    }
}
