using System.Globalization;
using System.Net;
using Hello;
using Kestrel.Rpc.Middleware;

namespace Kestrel.Rpc.Benchmarks.Load.Overload;

/// <summary>The server of <c>rapid-cancel</c>: its bound on cancelled calls is lifted, all else is as by default. On Kestrel's own transport.</summary>
internal static class RapidCancelServer
{
    public const string Answered = "helloworld/Hello";
    public const string Yielding = "helloworld/Yield";
    public const string Waiting = "helloworld/Wait";

    /// <summary>Prints <c>port N</c> and <c>ready</c> when it listens; returns after SIGTERM.</summary>
    public static async Task RunAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddRpc(options => options.Floods.MaxCancels = options.Floods.MaxStrayFrames = int.MaxValue);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseRpc()));
        await using WebApplication app = builder.Build();
        app.MapRpc(Answered, (HelloRequest request) => new HelloReply { Msg = request.Msg });
        app.MapRpc(Yielding, async (HelloRequest request) =>
        {
            await Task.Yield();
            return new HelloReply { Msg = request.Msg };
        });
        app.MapRpc(Waiting, async (HelloRequest request, CancellationToken cancellationToken) =>
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return new HelloReply();
        });
        await app.StartAsync();
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"port {new Uri(app.Urls.Single()).Port}"));
        Console.Out.WriteLine("ready");
        await app.WaitForShutdownAsync();
    }
}
