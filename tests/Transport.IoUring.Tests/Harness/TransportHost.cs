using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>The services of a web host on one transport variant; Kestrel itself is only started by <see cref="KestrelHost"/>.</summary>
internal sealed class TransportHost : IAsyncDisposable
{
    private TransportHost(TransportVariant variant, WebApplication application, LogCapture logs, TrackingMemoryPoolFactory pool)
    {
        Variant = variant;
        Application = application;
        Logs = logs;
        Pool = pool;
        Factory = application.Services.GetServices<IConnectionListenerFactory>().Last();
    }

    public TransportVariant Variant { get; }

    public WebApplication Application { get; }

    public LogCapture Logs { get; }

    public TrackingMemoryPoolFactory Pool { get; }

    /// <summary>The transport under test, as Kestrel would find it.</summary>
    public IConnectionListenerFactory Factory { get; }

    /// <summary>The log lines of the transport.</summary>
    public IEnumerable<LogLine> TransportLines => Logs.Lines.Where(line => line.Category.StartsWith(Variant.LogCategory, StringComparison.Ordinal));

    public static TransportHost Create(TransportVariant variant, TransportSettings? settings = null, Action<WebApplicationBuilder>? configure = null)
    {
        settings ??= new TransportSettings();
        var logs = new LogCapture();
        var pool = new TrackingMemoryPoolFactory(pinned: !settings.UnpinnedPool);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrel();
        builder.Logging.AddProvider(logs).SetMinimumLevel(LogLevel.Debug);
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>>(pool);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeLimit.Current);
        variant.Register(builder.Services, settings);
        configure?.Invoke(builder);
        var host = new TransportHost(variant, builder.Build(), logs, pool);
        host.VerifyEngine();
        return host;
    }

    /// <summary>Binds an end point; any free one of the variant's kind unless told otherwise.</summary>
    public async Task<IConnectionListener> BindAsync(EndPoint? endPoint = null)
    {
        try
        {
            return await Factory.BindAsync(endPoint ?? Variant.NewEndPoint()).Limited();
        }
        catch (PlatformNotSupportedException unsupported)
        {
            throw Skipped(unsupported);
        }
    }

    /// <summary>Whether the transport wrote a line with this event id.</summary>
    public bool HasLogged(int eventId) => TransportLines.Any(line => line.Id == eventId);

    /// <summary>Fails unless every block is back exactly once; the connections must have been disposed.</summary>
    public async Task VerifyPoolAsync()
    {
        await Eventually.TrueAsync(() => Pool.Outstanding == 0);
        Assert.Equal(0, Pool.DoubleReturns);
    }

    // Away from this thread: a transport may join its threads here, and one that never ends must not hang the whole run.
    public async ValueTask DisposeAsync() => await Task.Run(() => Application.DisposeAsync().AsTask()).Limited();

    /// <summary>A kernel without io_uring skips its tests, except where everything has to run.</summary>
    public static Exception Skipped(PlatformNotSupportedException reason)
    {
        if (Environment.GetEnvironmentVariable("CI") != "true")
        {
            Assert.Skip($"This machine has no usable io_uring: {reason.Message}");
        }

        return reason;
    }

    // Kestrel falls through to the next factory when one declines, and the suite would test Sockets nine times.
    private void VerifyEngine()
    {
        if (Variant.MustClaim)
        {
            var selector = Assert.IsType<IConnectionListenerFactorySelector>(Factory, exactMatch: false);
            Assert.True(selector.CanBind(new IPEndPoint(IPAddress.Loopback, 0)), $"{Variant} declines TCP end points.");
        }
    }
}
