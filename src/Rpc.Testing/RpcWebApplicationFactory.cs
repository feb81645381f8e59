using System.Net;
using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Kestrel.Rpc.Testing;

/// <summary>
/// Runs a program in the test's process, on its real Kestrel with all of its end points, and binds none of them: TCP ports, Unix
/// sockets and whatever else the program listens on are served in process. HTTP and RPC clients reach them without a socket.
/// </summary>
/// <remarks>
/// Each factory has a network of its own, so that any number of programs, and of the same program, run side by side with the same
/// ports. What the program does with HTTPS works with a certificate made for the test, unless the program brings its own.
/// Members are safe to call from any thread once the program has started; the first client starts it. Keep a factory in a variable
/// of its own type: clients made through a variable of the base type dial the machine's network, where the program does not listen.
/// </remarks>
/// <typeparam name="TEntryPoint">A type of the program's assembly, usually its <c>Program</c>.</typeparam>
public partial class RpcWebApplicationFactory<TEntryPoint> : WebApplicationFactory<TEntryPoint>
    where TEntryPoint : class
{
    private readonly Action<IWebHostBuilder>? _configuration;
    private readonly List<IDisposable> _clients = []; // guarded by itself
    private Uri? _wanted; // the base address that the client options had before the base class put one of the program's there

    /// <summary>Makes a factory whose program has not started yet.</summary>
    public RpcWebApplicationFactory()
        : this(null)
    {
    }

    private RpcWebApplicationFactory(Action<IWebHostBuilder>? configuration)
    {
        _configuration = configuration;
        UseKestrel();
    }

    /// <summary>
    /// The network of the program's end points: for connections of another kind than the factory makes, and for the clients of
    /// a second program that is to reach this one.
    /// </summary>
    public InProcessNetwork Network { get; } = new();

    /// <summary>
    /// The addresses the program listens on, as it would tell them (<see cref="IServerAddressesFeature"/>), with a number for
    /// every port 0. Starts the program.
    /// </summary>
    public IReadOnlyCollection<string> Addresses =>
        [.. Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses];

    /// <summary>The end points the program listens on, in the order in which it bound them. Starts the program.</summary>
    public IReadOnlyList<EndPoint> EndPoints
    {
        get
        {
            _ = Services;
            return Network.EndPoints;
        }
    }

    /// <summary>Makes a factory of the same program with further configuration, for example other services.</summary>
    /// <param name="configuration">Runs after the program's own.</param>
    /// <returns>The factory, with a network of its own; the caller disposes of it.</returns>
    public new RpcWebApplicationFactory<TEntryPoint> WithWebHostBuilder(Action<IWebHostBuilder> configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return new RpcWebApplicationFactory<TEntryPoint>(builder =>
        {
            ConfigureWebHost(builder);
            configuration(builder);
        })
        {
            TimeProvider = TimeProvider,
        };
    }

    /// <summary>
    /// Makes an HTTP client whose base address is the first HTTP address of the program, else its first HTTPS address. It
    /// reaches every TCP address the program listens on; host names mean this machine. Starts the program.
    /// </summary>
    /// <returns>The client; the factory disposes of it too.</returns>
    /// <exception cref="InvalidOperationException">The program reports no address that an HTTP client could have.</exception>
    public new HttpClient CreateClient() => CreateClient(ClientOptions);

    /// <summary>Makes an HTTP client with redirects and cookies as the options say; else as <see cref="CreateClient()"/>.</summary>
    /// <param name="options">The options. Their base address counts only if its port is one the program listens on.</param>
    /// <returns>The client; the factory disposes of it too.</returns>
    /// <exception cref="InvalidOperationException">The program reports no address that an HTTP client could have.</exception>
    public new HttpClient CreateClient(WebApplicationFactoryClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return CreateClient(options, WantedAddress(options), []);
    }

    /// <summary>Makes an HTTP client as <see cref="CreateClient()"/> does, whose requests go through the handlers first.</summary>
    /// <param name="handlers">The handlers, the outermost first.</param>
    /// <returns>The client; the factory disposes of it too.</returns>
    /// <exception cref="InvalidOperationException">The program reports no address that an HTTP client could have.</exception>
    public new HttpClient CreateDefaultClient(params DelegatingHandler[] handlers)
    {
        ArgumentNullException.ThrowIfNull(handlers);
        return CreateClient(ClientOptions, WantedAddress(ClientOptions), handlers);
    }

    /// <summary>Makes an HTTP client with a base address of the caller's, whose requests go through the handlers first.</summary>
    /// <param name="baseAddress">The base address. Requests reach the program on every TCP port it listens on, and nothing else.</param>
    /// <param name="handlers">The handlers, the outermost first.</param>
    /// <returns>The client; the factory disposes of it too.</returns>
    public new HttpClient CreateDefaultClient(Uri baseAddress, params DelegatingHandler[] handlers)
    {
        ArgumentNullException.ThrowIfNull(baseAddress);
        ArgumentNullException.ThrowIfNull(handlers);
        _ = Services;
        return CreateClient(ClientOptions, new ProgramAddress(baseAddress, null), handlers);
    }

    /// <summary>Makes an HTTP client for one end point, whatever host its requests name: a Unix socket, or one of several ports.</summary>
    /// <param name="endPoint">An end point the program listens on.</param>
    /// <param name="https">Whether the end point speaks TLS. Default false.</param>
    /// <returns>The client, with the base address <c>http://localhost</c> or <c>https://localhost</c>; the factory disposes of it too.</returns>
    public HttpClient CreateClient(EndPoint endPoint, bool https = false)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        _ = Services;
        return CreateClient(ClientOptions, new ProgramAddress(new Uri(https ? "https://localhost" : "http://localhost"), endPoint), []);
    }

    /// <inheritdoc/>
    /// <remarks>Whoever overrides it calls the base, so that <see cref="WithWebHostBuilder"/> is heard.</remarks>
    protected override void ConfigureWebHost(IWebHostBuilder builder) => _configuration?.Invoke(builder);

    /// <inheritdoc/>
    /// <remarks>Whoever overrides it calls the base, or the program binds its end points.</remarks>
    protected override IHost CreateHost(IHostBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        _wanted = ClientOptions.BaseAddress;

        // After the program's own services, so that Kestrel asks this transport first, for everything.
        builder.ConfigureServices(services =>
        {
            services.AddInProcessTransport(options =>
            {
                options.Network = Network;
                options.ClaimEveryEndPoint = true;
            });

            if (TimeProvider is not null)
            {
                services.Replace(ServiceDescriptor.Singleton(TimeProvider));
            }

            // Before the program's own: its certificate, if it has one, is the one that counts.
            services.Insert(0, ServiceDescriptor.Singleton<Microsoft.Extensions.Options.IConfigureOptions<KestrelServerOptions>>(
                new Microsoft.Extensions.Options.ConfigureOptions<KestrelServerOptions>(kestrel =>
                    kestrel.ConfigureHttpsDefaults(https => https.ServerCertificate ??= TestCertificate.Instance))));
        });
        return base.CreateHost(builder);
    }

    /// <summary>Disposes of the clients, then stops the program; requests under way get the host's shutdown time.</summary>
    /// <returns>Ends when the program has ended.</returns>
    public override async ValueTask DisposeAsync()
    {
        DisposeClients();
        await DisposeConnectionsAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            DisposeClients();
            Task.Run(async () => await DisposeConnectionsAsync().ConfigureAwait(false)).GetAwaiter().GetResult();
        }

        base.Dispose(disposing);
    }

    private ProgramAddress WantedAddress(WebApplicationFactoryClientOptions options)
    {
        IReadOnlyCollection<string> addresses = Addresses;
        Uri wanted = options.BaseAddress;
        if (ReferenceEquals(options, ClientOptions) && _wanted is not null && Uri.TryCreate(addresses.LastOrDefault(), UriKind.Absolute, out Uri? last) && last == wanted)
        {
            wanted = _wanted; // nobody's wish: the base class has put the last address there
        }

        return ProgramAddress.Preferred(addresses, EndPoints, wanted);
    }

    private HttpClient CreateClient(WebApplicationFactoryClientOptions options, ProgramAddress address, DelegatingHandler[] handlers)
    {
        HttpMessageHandler handler = InProcessHandler.Create(Network, address.EndPoint, options);
        foreach (DelegatingHandler outer in handlers.Reverse())
        {
            outer.InnerHandler = handler;
            handler = outer;
        }

        var client = new HttpClient(handler);
        lock (_clients)
        {
            _clients.Add(client);
        }

        ConfigureClient(client);
        client.BaseAddress = address.Uri;
        return client;
    }

    private void DisposeClients()
    {
        IDisposable[] clients;
        lock (_clients)
        {
            clients = [.. _clients];
            _clients.Clear();
        }

        Array.ForEach(clients, client => client.Dispose());
    }
}
