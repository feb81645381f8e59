using System.Net;
using System.Net.Sockets;
using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kestrel.Rpc.Testing.Tests;

/// <summary>The Hello sample, whole and without a port.</summary>
public sealed class FactoryTests
{
    private const int HelloPort = 8000;

    [Fact]
    public async Task Program_Started_AnswersHttpAndRpcAndBindsNothing()
    {
        // Somebody has the port, we or another process: a program that bound it would not start.
        using Socket foreign = TakePort(HelloPort);
        await using var hello = new RpcWebApplicationFactory<Program>();
        Assert.Equal(["http://127.0.0.1:8000"], hello.Addresses);
        Assert.Equal([new IPEndPoint(IPAddress.Loopback, HelloPort)], hello.EndPoints);

        Assert.Equal("Hello over HTTP\n", await hello.CreateClient().GetStringAsync(new Uri("/", UriKind.Relative)).Limited());
        Assert.Equal("Hello world", await CallAsync(hello, null));
        Assert.Equal("Hello world", await CallAsync(hello, new DnsEndPoint("localhost", HelloPort)));
        await Assert.ThrowsAsync<RpcException>(() => CallAsync(hello, new IPEndPoint(IPAddress.Loopback, 1)));
    }

    /// <summary>TCP with any port, a Unix socket, a name, HTTPS: all of one program at once, and each reached on its own.</summary>
    [Fact]
    public async Task EndPoints_OfEveryKind_AreServedAndReported()
    {
        string path = Path.Combine(Path.GetTempPath(), $"kr-{Guid.NewGuid():n}");
        await using RpcWebApplicationFactory<Program> hello = new RpcWebApplicationFactory<Program>().WithWebHostBuilder(
            host => host.ConfigureKestrel(kestrel =>
            {
                kestrel.Listen(IPAddress.Loopback, 0);
                kestrel.ListenAnyIP(0, listen => listen.UseHttps());
                kestrel.ListenLocalhost(5443, listen => listen.UseHttps());
                kestrel.ListenUnixSocket(path);
                kestrel.Listen(new InProcessEndPoint("orders"));
            }));
        string[] addresses = [.. hello.Addresses];
        Assert.Equal(6, addresses.Length);
        Assert.All(addresses, address => Assert.True(Uri.TryCreate(address, UriKind.Absolute, out _), address));
        int[] ports = [.. hello.EndPoints.OfType<IPEndPoint>().Select(endPoint => endPoint.Port).Distinct()];
        Assert.Equal(4, ports.Length);
        Assert.All(ports, port => Assert.InRange(port, 1, 65535));
        Assert.False(File.Exists(path), "A Unix socket was bound.");

        HttpClient client = hello.CreateClient();
        foreach (string address in addresses.Where(address => !address.Contains("unix", StringComparison.Ordinal) && !address.Contains("in-process", StringComparison.Ordinal)))
        {
            var uri = new Uri(address.Replace("[::]", "localhost", StringComparison.Ordinal));
            Assert.Equal("Hello over HTTP\n", await client.GetStringAsync(uri).Limited());
        }

        foreach (EndPoint endPoint in hello.EndPoints)
        {
            bool https = endPoint is IPEndPoint ip && addresses.Any(address => address.StartsWith("https", StringComparison.Ordinal) && address.EndsWith($":{ip.Port}", StringComparison.Ordinal));
            Assert.Equal("Hello over HTTP\n", await hello.CreateClient(endPoint, https).GetStringAsync(new Uri("/", UriKind.Relative)).Limited());
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 0)]
    public async Task Https_BothProtocols_Work(int major, int minor)
    {
        await using RpcWebApplicationFactory<Program> hello = new RpcWebApplicationFactory<Program>().WithWebHostBuilder(
            host => host.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 5001, listen => listen.UseHttps())));
        HttpClient client = hello.CreateClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, "https://localhost:5001/")
        {
            Version = new Version(major, minor),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using HttpResponseMessage response = await client.SendAsync(request).Limited();
        Assert.Equal(request.Version, response.Version);
        Assert.Equal("Hello over HTTP\n", await response.Content.ReadAsStringAsync().Limited());
    }

    /// <summary>Two programs of one process listen on the same port, and one calls the other through its network.</summary>
    [Fact]
    public async Task Programs_TwoAtOnce_KeepApart()
    {
        await using var first = new RpcWebApplicationFactory<Program>();
        await using RpcWebApplicationFactory<Program> second = first.WithWebHostBuilder(host => host.ConfigureServices(services =>
            services.AddSingleton<IStartupFilter>(new Answer("/", context => context.Response.WriteAsync("second")))));
        HttpClient toFirst = first.CreateClient();
        HttpClient toSecond = second.CreateClient();
        Assert.Equal(toFirst.BaseAddress, toSecond.BaseAddress);
        Assert.Equal("Hello over HTTP\n", await toFirst.GetStringAsync(new Uri("/", UriKind.Relative)).Limited());
        Assert.Equal("second", await toSecond.GetStringAsync(new Uri("/", UriKind.Relative)).Limited());
        Assert.Equal("Hello world", await CallAsync(first, null));

        await second.DisposeAsync().Limited();
        Assert.Equal("Hello over HTTP\n", await toFirst.GetStringAsync(new Uri("/", UriKind.Relative)).Limited());
    }

    /// <summary>A program that is disposed of while a request runs ends, and so does the request.</summary>
    [Fact]
    public async Task Dispose_RequestInFlight_EndsBoth()
    {
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        RpcWebApplicationFactory<Program> hello = new RpcWebApplicationFactory<Program>().WithWebHostBuilder(host => host.ConfigureServices(services =>
        {
            services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromMilliseconds(100));
            services.AddSingleton<IStartupFilter>(new Answer("/wait", async context =>
            {
                entered.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted);
            }));
        }));
        HttpClient client = hello.CreateClient();
        await using RpcConnection rpc = await hello.ConnectRpcAsync().Limited();
        Task<string> request = client.GetStringAsync(new Uri("/wait", UriKind.Relative));
        await entered.Task.Limited();

        await hello.DisposeAsync().Limited();

        await Assert.ThrowsAnyAsync<Exception>(() => request.Limited());
        Assert.True(request.IsFaulted || request.IsCanceled, "The request ended before its program.");
        await rpc.Closed.Limited();
        await Assert.ThrowsAsync<RpcException>(() => rpc.CallAsync<HelloRequest, HelloReply>("helloworld", "Hello", new HelloRequest()).AsTask().Limited());
        Assert.Empty(hello.Network.EndPoints);
    }

    [Fact]
    public async Task Client_Options_AreHeard()
    {
        await using RpcWebApplicationFactory<Program> hello = new RpcWebApplicationFactory<Program>().WithWebHostBuilder(host => host.ConfigureServices(services =>
        {
            services.AddSingleton<IStartupFilter>(new Answer("/away", context =>
            {
                context.Response.Redirect("/");
                return Task.CompletedTask;
            }));
        }));
        HttpClient following = hello.CreateClient();
        Assert.Equal(HttpStatusCode.OK, (await following.GetAsync(new Uri("/away", UriKind.Relative)).Limited()).StatusCode);
        HttpClient staying = hello.CreateClient(new WebApplicationFactoryClientOptions { AllowAutoRedirect = false });
        Assert.Equal(HttpStatusCode.Redirect, (await staying.GetAsync(new Uri("/away", UriKind.Relative)).Limited()).StatusCode);
    }

    /// <summary>The class below puts the last address into the options, which nobody asked for.</summary>
    [Fact]
    public async Task Client_SeveralAddresses_HasTheFirstHttpOneUnlessAnotherIsWanted()
    {
        await using RpcWebApplicationFactory<Program> hello = Listening();
        Assert.Equal("http://127.0.0.1:8000/", hello.CreateClient().BaseAddress!.ToString());
        Assert.Equal("http://127.0.0.1:8000/", hello.CreateClient().BaseAddress!.ToString());
        Assert.Equal("http://127.0.0.1:8000/", hello.CreateDefaultClient().BaseAddress!.ToString());
        Assert.Equal("Hello over HTTP\n", await hello.CreateClient().GetStringAsync(new Uri("/", UriKind.Relative)).Limited());
        hello.ClientOptions.BaseAddress = new Uri("http://127.0.0.1:5102");
        Assert.Equal("http://127.0.0.1:5102/", hello.CreateClient().BaseAddress!.ToString());

        await using RpcWebApplicationFactory<Program> other = Listening();
        other.ClientOptions.BaseAddress = new Uri("https://127.0.0.1:5103");
        Assert.Equal("https://127.0.0.1:5103/", other.CreateClient().BaseAddress!.ToString());

        static RpcWebApplicationFactory<Program> Listening() => new RpcWebApplicationFactory<Program>().WithWebHostBuilder(
            host => host.ConfigureKestrel(kestrel =>
            {
                kestrel.Listen(IPAddress.Loopback, 5101);
                kestrel.Listen(IPAddress.Loopback, 5102);
                kestrel.Listen(IPAddress.Loopback, 5103, listen => listen.UseHttps());
            }));
    }

    [Fact]
    public async Task DefaultClient_WithHandlers_StaysInTheProcess()
    {
        var seen = new List<string>();
        using var outer = new Noting("outer", seen);
        using var inner = new Noting("inner", seen);
        await using var hello = new RpcWebApplicationFactory<Program>();

        Assert.Equal("Hello over HTTP\n", await hello.CreateDefaultClient(outer, inner).GetStringAsync(new Uri("/", UriKind.Relative)).Limited());
        Assert.Equal(["outer", "inner"], seen);
        using HttpClient other = hello.CreateDefaultClient(new Uri("http://localhost:8000"));
        Assert.Equal("Hello over HTTP\n", await other.GetStringAsync(new Uri("/", UriKind.Relative)).Limited());
    }

    /// <summary>The remote address is one that programs can work with.</summary>
    [Fact]
    public async Task Connection_Addresses_AreReal()
    {
        await using RpcWebApplicationFactory<Program> hello = new RpcWebApplicationFactory<Program>().WithWebHostBuilder(host => host.ConfigureServices(services =>
            services.AddSingleton<IStartupFilter>(new Answer("/who", context => context.Response.WriteAsync(
                $"{context.Connection.RemoteIpAddress} {context.Connection.RemotePort > 0} {context.Connection.LocalIpAddress}:{context.Connection.LocalPort}")))));
        Assert.Equal("127.0.0.1 True 127.0.0.1:8000", await hello.CreateClient().GetStringAsync(new Uri("/who", UriKind.Relative)).Limited());
    }

    private static async Task<string> CallAsync(RpcWebApplicationFactory<Program> program, EndPoint? endPoint)
    {
        await using RpcConnection connection = await program.ConnectRpcAsync(endPoint).Limited();
        HelloReply reply = await connection.CallAsync<HelloRequest, HelloReply>("helloworld", "Hello", new HelloRequest { Msg = "world" }).AsTask().Limited();
        return reply.Msg;
    }

    private static Socket TakePort(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen();
        }
        catch (SocketException taken) when (taken.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            // By another process: as good.
        }

        return socket;
    }

    /// <summary>Answers one path before the program sees it.</summary>
    private sealed class Answer(string path, RequestDelegate answer) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, rest) => context.Request.Path == path ? answer(context) : rest(context));
            next(app);
        };
    }

    private sealed class Noting(string name, List<string> seen) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            seen.Add(name);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
