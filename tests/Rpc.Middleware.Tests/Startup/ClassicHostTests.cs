using System.Net;
using Hello;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Hosts that build their pipeline while the web server starts, as those with a Startup class do.</summary>
public sealed class ClassicHostTests
{
    [Fact]
    public async Task Host_MapsWhileItStarts_ServesWithItsMiddleware()
    {
        using IHost host = Build(
            app => app.UseRpc(rpc => rpc.Use(async (call, next) =>
            {
                await next(call);
                ((HelloReply)call.Reply!).Msg += "!";
            })),
            ["a/A"],
            options => options.UseRpc());
        await host.StartAsync().InTime();

        string address = host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        await using RawPeer peer = await RawPeer.ConnectAsync(new IPEndPoint(IPAddress.Loopback, new Uri(address).Port));
        await peer.SendAsync(Golden.Call(1, "world", "a/A"));

        Assert.Equal("Hello world!", (await peer.ReceiveAsync()).Msg);
        await host.StopAsync().InTime();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Host_MapsANameTwice_FailsToStart(bool isServed)
    {
        using IHost host = Build(_ => { }, ["a/A", "a/A"], options =>
        {
            if (isServed)
            {
                options.UseRpc();
            }
        });

        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync().InTime());

        Assert.Contains("Two end points answer", error.Message, StringComparison.Ordinal);
    }

    private static IHost Build(
        Action<IApplicationBuilder> configure, string[] names, Action<ListenOptions> listen) =>
        new HostBuilder()
            .ConfigureWebHost(web => web
                .UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen))
                .ConfigureServices(services => services.AddRpc().AddRouting())
                .Configure(app =>
                {
                    app.UseRouting();
                    configure(app);
                    app.UseEndpoints(endpoints =>
                    {
                        foreach (string name in names)
                        {
                            endpoints.MapRpc(name, (HelloRequest request) => new HelloReply { Msg = $"Hello {request.Msg}" });
                        }
                    });
                }))
            .Build();
}
