using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Kestrel with its whole HTTP stack on a transport under test.</summary>
internal sealed class KestrelHost : IAsyncDisposable
{
    private KestrelHost(TransportHost host, IPEndPoint endPoint)
    {
        Host = host;
        EndPoint = endPoint;
    }

    public TransportHost Host { get; }

    public IPEndPoint EndPoint { get; }

    public static async Task<KestrelHost> StartAsync(
        TransportVariant variant,
        RequestDelegate application,
        Action<ListenOptions>? listen = null,
        Action<KestrelServerOptions>? configure = null,
        Action<WebApplication>? middleware = null)
    {
        var host = TransportHost.Create(variant, configure: builder => builder.WebHost.ConfigureKestrel(options =>
        {
            options.Limits.MinRequestBodyDataRate = null;
            options.Limits.MinResponseDataRate = null;
            options.Limits.MaxRequestBodySize = null;
            configure?.Invoke(options);
            options.Listen(IPAddress.Loopback, 0, listen ?? (_ => { }));
        }));
        try
        {
            middleware?.Invoke(host.Application);
            host.Application.Run(application);
            await host.Application.StartAsync().Limited();
            string address = host.Application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
            return new KestrelHost(host, new IPEndPoint(IPAddress.Loopback, new Uri(address).Port));
        }
        catch (PlatformNotSupportedException unsupported)
        {
            await host.DisposeAsync();
            throw TransportHost.Skipped(unsupported);
        }
        catch
        {
            // Not handed over.
            await host.DisposeAsync();
            throw;
        }
    }

    public Task<TestClient> ConnectAsync() => TestClient.ConnectAsync(EndPoint);

    /// <summary>A client of one connection pool, without proxies, that trusts the test certificate.</summary>
    public HttpClient CreateClient(Version? version = null, bool tls = false)
    {
        var handler = TestClient.CreateHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = TestCertificate.Validate;
        var client = new HttpClient(handler)
        {
            BaseAddress = new Uri($"{(tls ? "https" : "http")}://{EndPoint}/"),
            DefaultRequestVersion = version ?? HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = TimeLimit.Current,
        };
        client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("conformance", "1"));
        return client;
    }

    /// <summary>Stops the host, and fails the test if memory does not come back.</summary>
    public async Task StopAsync()
    {
        await Host.Application.StopAsync().Limited();
        await Host.VerifyPoolAsync();
    }

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}
