using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Hosts of every make start with HTTP/2 beside HTTP/1, whatever the order of their registrations.</summary>
public sealed class HiddenEndPointTests
{
    public enum Order
    {
        RpcBeforeKestrel,
        KestrelBeforeRpc,
        RpcBeforeIoUring,
        IoUringBeforeRpc,
        RpcBeforeSockets,
    }

    public static TheoryData<Order> Orders => new(Enum.GetValues<Order>());

    [Theory, MemberData(nameof(Orders))]
    public async Task Registrations_InAnyOrder_ServeBoth(Order order)
    {
        using IHost host = new HostBuilder().ConfigureWebHost(web =>
        {
            if (order is Order.RpcBeforeKestrel or Order.RpcBeforeIoUring or Order.RpcBeforeSockets)
            {
                web.ConfigureServices(services => services.AddRpc());
            }

            if (order == Order.IoUringBeforeRpc)
            {
                web.UseIoUring();
            }

            web.UseKestrel();
            if (order == Order.RpcBeforeIoUring)
            {
                web.UseIoUring();
            }
            else if (order == Order.RpcBeforeSockets)
            {
                web.UseSockets();
            }

            web.ConfigureServices(services => services.AddRpc().AddRouting())
                .ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, options => options.UseRpc()))
                .Configure(app => app.Run(context => context.Response.WriteAsync(context.Request.Protocol)));
        }).Build();
        await host.StartAsync().InTime();

        await ExpectBothAsync(Assert.Single(Addresses(host)));
        await host.StopAsync().InTime();
    }

    [Fact]
    public async Task EndPointDefaults_UseRpcOnListenedOnes_ServeBoth()
    {
        await using WebApplication app = Build(kestrel =>
        {
            kestrel.ConfigureEndpointDefaults(options => options.UseRpc());
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Listen(IPAddress.Loopback, 0);
        });
        await app.StartAsync().InTime();

        Assert.Equal(2, app.Urls.Count);
        foreach (string address in app.Urls)
        {
            await ExpectBothAsync(address);
        }
    }

    [Fact]
    public async Task EndPointsOfConfiguration_UseRpcByName_ServeBoth()
    {
        await using WebApplication app = Build(kestrel => kestrel
            .Configure(new ConfigurationBuilder()
                .AddInMemoryCollection([new("Endpoints:A:Url", "http://127.0.0.1:0"), new("Endpoints:B:Url", "http://127.0.0.1:0")])
                .Build())
            .Endpoint("A", endpoint => endpoint.ListenOptions.UseRpc())
            .Endpoint("B", endpoint => endpoint.ListenOptions.UseRpc()));
        await app.StartAsync().InTime();

        Assert.Equal(2, app.Urls.Count);
        foreach (string address in app.Urls)
        {
            await ExpectBothAsync(address);
        }
    }

    [Fact]
    public async Task EndPointDefaults_AddressesAlone_ServeHttp1AndSaySoOfHttp2()
    {
        LogCollector logs = new();
        await using WebApplication app = Build(kestrel => kestrel.ConfigureEndpointDefaults(options => options.UseRpc()), logs);
        app.Urls.Add("http://127.0.0.1:0");
        await app.StartAsync().InTime();
        IPEndPoint endPoint = EndPointOf(Assert.Single(app.Urls));
        using HttpClient http1 = OnePort.Client(endPoint, HttpVersion.Version11);
        using HttpClient http2 = OnePort.Client(endPoint, HttpVersion.Version20);

        Assert.Equal("HTTP/1.1", await http1.GetStringAsync(new Uri("/", UriKind.Relative)).InTime());
        await Assert.ThrowsAsync<HttpRequestException>(() => http2.GetStringAsync(new Uri("/", UriKind.Relative)).InTime());

        Assert.Equal(13, Assert.Single(logs.Ours).Id);
    }

    [Fact]
    public async Task Addresses_BeforeTheStart_CanBeChanged()
    {
        await using WebApplication app = Build(kestrel => { });
        app.Urls.Add("http://127.0.0.1:1");
        app.Urls.Clear();
        app.Urls.Add("http://127.0.0.1:0");
        await app.StartAsync().InTime();

        string address = Assert.Single(app.Urls);
        string[] copy = new string[2];
        app.Urls.CopyTo(copy, 1);

        Assert.Equal(address, copy[1]);
        Assert.Contains(address, app.Urls);
        Assert.True(app.Urls.IsReadOnly);
    }

    private static WebApplication Build(Action<KestrelServerOptions> kestrel, LogCollector? logs = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (logs is not null)
        {
            builder.Logging.AddProvider(logs);
        }

        builder.Services.AddRpc();
        builder.WebHost.ConfigureKestrel(kestrel);
        WebApplication app = builder.Build();
        app.Run(context => context.Response.WriteAsync(context.Request.Protocol));
        return app;
    }

    private static ICollection<string> Addresses(IHost host) =>
        host.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses;

    private static IPEndPoint EndPointOf(string address) => new(IPAddress.Loopback, new Uri(address).Port);

    private static async Task ExpectBothAsync(string address)
    {
        using HttpClient http1 = OnePort.Client(EndPointOf(address), HttpVersion.Version11);
        using HttpClient http2 = OnePort.Client(EndPointOf(address), HttpVersion.Version20);
        Assert.Equal("HTTP/1.1", await http1.GetStringAsync(new Uri("/", UriKind.Relative)).InTime());
        Assert.Equal("HTTP/2", await http2.GetStringAsync(new Uri("/", UriKind.Relative)).InTime());
    }
}
